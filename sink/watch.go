package sink

import (
	"context"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// leaveTimeout bounds the wait for the server's goodbye.
const leaveTimeout = 2 * time.Second

// watch looks for silence and stalls, and leaves the room when ctx ends. It
// returns when the session has ended.
func (s *session) watch(ctx context.Context) {
	select {
	case <-s.entered: // until then the limit of the login holds
	case <-s.ended:
		return
	case <-ctx.Done():
		s.fail(ctx.Err())
		return
	}
	interval := s.cfg.PingInterval
	if s.idle > 0 {
		interval = min(interval, s.idle/2)
	}
	tick := time.NewTicker(min(interval, s.cfg.StallTimeout) / 4)
	defer tick.Stop()
	pinged := false
	for {
		select {
		case <-s.ended:
			return
		case <-ctx.Done():
			s.leave()
			return
		case now := <-tick.C:
			silent := now.Sub(s.stream.heard())
			switch {
			case s.box.stalled(now) > s.cfg.StallTimeout:
				s.fail(&Error{Op: "post to " + s.room, Err: errStalled})
			case silent > 2*interval:
				s.fail(&Error{Op: "stay connected", Err: errSilent})
			case s.mayTakeNickBack():
				s.fail(errNickFree)
			case silent < interval:
				pinged = false
			case !pinged:
				s.ping(s.occupant, pingSuffix)
				pinged = true
			}
		}
	}
}

// mayTakeNickBack reports that the nickname that we want is free, and that it
// costs nothing to end the stay and come back with it.
func (s *session) mayTakeNickBack() bool {
	return s.nickFree.Load() && time.Now().After(s.nickBackAfter) && s.box.size() == 0
}

// handled is called when all that was received has been handled. In a busy room
// this is when nothing may be on its way, before anybody hears that there is
// room for more.
func (s *session) handled() {
	if s.phase == inRoom && s.mayTakeNickBack() {
		s.fail(errNickFree)
	}
	s.box.flush()
}

// leave says goodbye to the room and to the server, and waits a little for
// the answer, so that the room sees us go and not vanish.
func (s *session) leave() {
	s.box.detach(parted, time.Now())
	s.out.text("<presence type='unavailable' to='" + wire.Escape(s.occupant) + "'/></stream:stream>")
	select {
	case <-s.ended: // the reader has seen the end of the stream
	case <-time.After(leaveTimeout):
		s.fail(context.Canceled)
	}
}
