// Package inspect goes the way into the room that the worker goes, once, and
// reports on every part of it.
package inspect

import (
	"context"
	"log/slog"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
)

// Probes are what Run does beyond looking.
type Probes struct {
	RoundTrip bool // post one message and wait until the room shows it
	Throttle  bool // post a burst of messages and measure how fast the room takes them
	// Sessions logs in until the account has so many sessions, as it needs for all
	// workers of all rooms. 0: one is enough.
	Sessions int
}

// Run looks at the server and at the room from outside by one connection, and
// enters by a second one, as a worker does. It is in the room under the nickname of
// cfg for a moment, and creates nothing. Every wait ends with ConnectTimeout, those
// of the probes with StallTimeout.
func Run(ctx context.Context, cfg sink.Config, p Probes) check.Report {
	in := &inspection{cfg: cfg.Prepared(), probes: p}
	room, err := sink.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		in.report.Fail(check.Settings, "settings", err)
		return in.report
	}
	if in.outside(ctx) {
		in.enter(ctx, room)
	}
	in.skipRest()
	return in.report
}

// inspection is one Run. Steps are reported in order, each once.
type inspection struct {
	cfg    sink.Config
	probes Probes
	trace  conn.Trace
	info   muc.Info // of the room
	report check.Report
}

// outside looks at everything before the room is joined, and reports whether it may
// be.
func (in *inspection) outside(ctx context.Context) bool {
	account, err := in.cfg.Account()
	if err != nil {
		return in.fail(stepAddress, err)
	}
	account.Trace = &in.trace
	ctx, cancel := context.WithTimeout(ctx, in.cfg.ConnectTimeout)
	defer cancel()
	c, err := account.Connect(ctx)
	if err == nil {
		defer c.Close()
		err = c.Login(ctx)
	}
	return in.login(err) && in.sessions(ctx, account, c) && in.service(ctx, c) && in.room(ctx, c)
}
