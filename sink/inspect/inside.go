package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
)

// visit is one visit to the room.
type visit struct {
	joined  chan sink.Session
	left    chan error // twice at most: when it ends, and when the room is given up
	leave   context.CancelFunc
	retried bool
}

// enter runs the room until it has been joined and looked at, or has failed.
func (in *inspection) enter(ctx context.Context, room *sink.Room) {
	ctx, leave := context.WithCancel(ctx)
	v := &visit{joined: make(chan sink.Session, 1), left: make(chan error, 2), leave: leave}
	room.Observe(v.take)
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) }) // returns nil
	defer running.Wait()
	defer leave()
	select {
	case s := <-v.joined:
		if in.occupant(s) {
			in.probe(ctx, prober{room, v.left, in.cfg})
		}
	case err := <-v.left:
		in.fail(stepJoin, cmp.Or(err, context.Cause(ctx)))
	}
}

// take hears what becomes of the room. There is no second attempt.
func (v *visit) take(e sink.Event) {
	switch {
	case e.Kind == sink.Joined:
		v.joined <- e.Session
	case e.Kind != sink.Left:
	case !v.retried && isTransient(e.Err):
		v.retried = true
	default:
		v.left <- e.Err
		v.leave()
	}
}

// isTransient reports whether the server failed in a way that the next attempt does not
// meet. jabberd2 refuses some logins that come right after a logout.
func isTransient(err error) bool {
	c, said := errors.AsType[*conn.Condition](err)
	return said && c.Of == conn.OfStream && c.Name == "internal-server-error"
}

// occupant looks at who we are in the room.
func (in *inspection) occupant(s sink.Session) bool {
	in.ok(stepJoin, fmt.Sprintf("in the room as %s, role %s, affiliation %s",
		s.Occupant, cmp.Or(s.Role, "unknown"), cmp.Or(s.Affiliation, "unknown")))
	if want := in.cfg.Nickname(); s.Nick == want {
		in.ok(stepNick, s.Nick+" as configured")
	} else {
		in.warn(stepNick, fmt.Sprintf("%s is taken, in the room as %s", want, s.Nick), muc.FixNick)
	}
	if s.Role == muc.RoleVisitor {
		return in.fail(stepVoice, muc.NoVoice(in.cfg.Room))
	}
	in.ok(stepVoice, "may post messages of "+strconv.Itoa(s.MaxStanzaBytes)+" bytes, with ids by "+in.key())
	in.history(s)
	return true
}

// key says what the ids of messages are made with: workers that differ in it do not
// recognise what another has posted.
func (in *inspection) key() string {
	if in.cfg.IDKey.Reveal() != "" {
		return "XMPP_ID_KEY"
	}
	return "a key from XMPP_PASSWORD: set XMPP_ID_KEY to one of its own before the password is changed"
}

// history reports on what the worker can look up after a reconnect.
func (in *inspection) history(s sink.Session) {
	longest, err := strconv.Atoi(in.info.Field("muc#maxhistoryfetch"))
	switch {
	case s.Archive:
		in.ok(stepHistory, "archive")
	case err == nil && longest < in.cfg.MaxInFlight:
		in.warn(stepHistory, fmt.Sprintf("the room's history is %d messages, shorter than XMPP_MAX_IN_FLIGHT=%d", longest, in.cfg.MaxInFlight),
			"let the room keep more, or lower XMPP_MAX_IN_FLIGHT")
	case s.History == 0:
		in.warn(stepHistory, "no history seen: the room is new, or keeps none, and then messages in flight may be shown twice when the connection breaks",
			"let the room keep at least "+strconv.Itoa(in.cfg.MaxInFlight)+" messages, or an archive")
	default:
		in.ok(stepHistory, s.HistoryText)
	}
}
