package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// longestTick is how often it is looked for what is missing.
const longestTick = 500 * time.Millisecond

// leaveTimeout bounds the wait for the end of the server's stream.
const leaveTimeout = 2 * time.Second

// watch looks for silence and stalls, and leaves the room when ctx ends. It
// returns when the session has ended.
func (s *session) watch(ctx context.Context) {
	if !s.watchJoin(ctx) {
		return
	}
	interval := s.pingInterval()
	tick := time.NewTicker(min(interval, s.cfg.StallTimeout, longestTick*4) / 4)
	defer tick.Stop()
	defer s.proof.Stop()
	pinged := false
	for {
		select {
		case <-s.conn.Ended():
			return
		case <-ctx.Done():
			s.leave()
			return
		case now := <-s.proof.C:
			s.prove(now)
		case now := <-tick.C:
			silent := now.Sub(s.conn.Heard())
			s.lookForMissing()
			s.prove(now)
			s.measurePace()
			if end := s.overdue(now, silent > 2*interval); end != nil {
				s.conn.Fail(end)
			} else if silent < interval {
				pinged = false
			} else if !pinged {
				s.wake()
				pinged = true
			}
		}
	}
}

// watchJoin reports whether we came into the room; until then the limit of the login
// holds. A room that answers no request is no obstacle: after a third of that time it
// is not waited for any more.
func (s *session) watchJoin(ctx context.Context) bool {
	patience := time.NewTimer(s.cfg.ConnectTimeout / 3)
	defer patience.Stop()
	for {
		select {
		case <-s.entered:
			return true
		case <-patience.C:
			s.messageSelf()
		case <-s.conn.Ended():
			return false
		case <-ctx.Done():
			s.conn.Fail(ctx.Err())
			return false
		}
	}
}

// pingInterval is the silence after which the room is asked: less if the server
// drops idle clients.
func (s *session) pingInterval() time.Duration {
	if s.conn.Idle > 0 {
		return min(s.cfg.PingInterval, s.conn.Idle/2)
	}
	return s.cfg.PingInterval
}

// overdue is why the session should end now, nil if it should not.
func (s *session) overdue(now time.Time, silent bool) error {
	switch {
	case s.box.Stalled(now) > s.box.StallLimit(s.cfg.StallTimeout):
		return s.stalled()
	case silent:
		return &Error{Kind: conn.KindSilent, Op: "stay connected", Err: conn.ErrSilent}
	case s.isTooLongWithoutVoice(now):
		return muc.NoVoice(s.occupant.room)
	case s.mayTakeNickBack():
		return errNickFree
	default:
		return s.endIfAllFailed()
	}
}

// stalled says that the room shows nothing any more, and since which message.
func (s *session) stalled() error {
	id := s.box.Stall()
	return &Error{Kind: kindStalled, Op: fmt.Sprintf("post to %s (message %s)", s.occupant.room, id), Err: errStalled}
}

// mayTakeNickBack reports that the nickname that we want is free, and that it
// costs nothing to end the session and come back with it.
func (s *session) mayTakeNickBack() bool {
	return s.occupant.nickFree.Load() && time.Now().After(s.learned.nickBackAfter) && s.box.Size() == 0
}

// handled is called when all that was received has been handled. In a busy room
// this is when nothing may be in flight, before anybody hears that there is room
// for more.
func (s *session) handled() {
	if s.phase == inRoom {
		if s.mayTakeNickBack() {
			s.conn.Fail(errNickFree)
		}
		s.lookForMissing()
	}
	s.box.Flush()
}

// prove asks the room for an answer, if nothing tells yet that others have got what it
// reflected last.
func (s *session) prove(now time.Time) {
	if s.box.Unproven(now) && !s.proving.Swap(true) {
		s.wake()
	}
}

// wake makes something come, if the connection lives: the answer of the room, or that
// of the server (XEP-0199) where the room does not answer.
func (s *session) wake() {
	if !s.catchup.noAnswers {
		s.ping(s.alive)
		return
	}
	asked := time.Now()
	s.askServer(ping, func(conn.Answer) error { s.answered(asked); return nil })
}

// ping asks the room whether we are in it (XEP-0410).
func (s *session) ping(answer func(conn.Answer) error) {
	s.ask(s.occupant.address, "get", ping, answer)
}

const ping = "<ping xmlns='urn:xmpp:ping'/>"

// alive takes the answer to a ping. Any answer proves that the connection lives;
// some say that we are not in the room (XEP-0410, 3.2).
func (s *session) alive(a conn.Answer) error {
	c := a.Refused()
	if c == nil || c.Name == "service-unavailable" || c.Name == "feature-not-implemented" {
		return nil // we are in the room; the ping reached us, perhaps to be declined
	}
	return notInRoom(s.occupant.room, c)
}

// leave tells the room and the server that we go, and waits a little for the
// answer, so that the room sees us go and not vanish.
func (s *session) leave() {
	s.box.Detach(outbox.SessionOver)
	s.conn.Send("<presence type='unavailable' to='" + wire.Escape(s.occupant.address) + "'/></stream:stream>")
	select {
	case <-s.conn.Ended(): // the reader has seen the end of the stream
	case <-time.After(leaveTimeout):
		s.conn.Fail(context.Canceled)
	}
}
