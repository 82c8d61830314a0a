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

// enter runs the room until it has been joined and looked at, or has failed.
func (in *inspection) enter(ctx context.Context, room *sink.Room) {
	ctx, leave := context.WithCancel(ctx)
	joined, left := make(chan sink.Session, 1), make(chan error, 1)
	again := false
	room.Observe(func(e sink.Event) {
		if ctx.Err() != nil {
			return
		}
		if e.Kind == sink.Left && !again && isTransient(e.Err) {
			again = true
			return
		}
		switch e.Kind {
		case sink.Joined:
			joined <- e.Session
		case sink.Left:
			left <- e.Err
			leave() // there is no second attempt
		case sink.Connected, sink.Bounced, sink.Resent, sink.Limited, sink.Voice:
		}
	})
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) }) // returns nil
	defer running.Wait()
	defer leave()
	select {
	case s := <-joined:
		if in.occupant(s) {
			in.probe(ctx, prober{room, left, in.cfg})
		}
	case err := <-left:
		if err == nil {
			err = context.Cause(ctx)
		}
		in.report.fail(stepJoin, err)
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
	in.report.ok(stepJoin, fmt.Sprintf("in the room as %s, role %s, affiliation %s",
		s.Occupant, cmp.Or(s.Role, "unknown"), cmp.Or(s.Affiliation, "unknown")))
	if want := in.cfg.Nickname(); s.Nick == want {
		in.report.ok(stepNick, s.Nick+" as configured")
	} else {
		in.report.warn(stepNick, fmt.Sprintf("%s is taken, in the room as %s", want, s.Nick), muc.FixNick)
	}
	if s.Role == muc.RoleVisitor {
		in.report.fail(stepVoice, muc.NoVoice(in.cfg.Room))
		return false
	}
	in.report.ok(stepVoice, "may post messages of "+strconv.Itoa(s.MaxStanzaBytes)+" bytes, with ids by "+in.key())
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
		in.report.ok(stepHistory, "archive")
	case err == nil && longest < in.cfg.MaxInFlight:
		in.report.warn(stepHistory, fmt.Sprintf("the room's history is %d messages, shorter than XMPP_MAX_IN_FLIGHT=%d", longest, in.cfg.MaxInFlight),
			"let the room keep more, or lower XMPP_MAX_IN_FLIGHT")
	case s.History == 0:
		in.report.warn(stepHistory, "no history seen: the room is new, or keeps none, and then messages in flight may be shown twice when the connection breaks",
			"let the room keep at least "+strconv.Itoa(in.cfg.MaxInFlight)+" messages, or an archive")
	default:
		in.report.ok(stepHistory, s.HistoryText)
	}
}
