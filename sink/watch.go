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
			silent := now.Sub(time.Unix(0, s.stream.lastRead.Load()))
			switch {
			case s.box.stalled(now) > s.cfg.StallTimeout:
				s.fail(&Error{Op: "post to " + s.room, Err: errStalled})
			case silent > 2*interval:
				s.fail(&Error{Op: "stay connected", Err: errSilent})
			case s.nickFree.Load() && now.After(s.nickBackAfter) && s.box.size() == 0:
				s.fail(errNickFree) // to come back with it
			case silent < interval:
				pinged = false
			case !pinged:
				s.ping(pingSuffix)
				pinged = true
			}
		}
	}
}

// leave says goodbye to the room and to the server, and waits a little for
// the answer, so that the room sees us go and not vanish.
func (s *session) leave() {
	s.box.detach(true, time.Now())
	s.out.text("<presence type='unavailable' to='" + wire.Escape(s.occupant) + "'/></stream:stream>")
	select {
	case <-s.ended: // the reader has seen the end of the stream
	case <-time.After(leaveTimeout):
		s.fail(context.Canceled)
	}
}
