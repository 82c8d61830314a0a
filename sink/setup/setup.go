// Package setup prepares an XMPP server for a worker, by the standards: the
// account, the room and how it is configured, and the right to speak there. It
// may run as often as one likes.
package setup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// Line is what became of one step.
type Line struct {
	Outcome Outcome
	Text    string
}

// Outcome is the kind of a Line.
type Outcome string

// What can become of a step.
const (
	Done    Outcome = "done"
	Already Outcome = "already so"
	Would   Outcome = "would do" // in a dry run
	Note    Outcome = "note"     // what the server does not offer
	Failed  Outcome = "failed"   // the last line
)

// ErrFailed says that the last line tells what failed, and the fix.
var ErrFailed = errors.New("the server is not prepared, see above")

// job is one run.
type job struct {
	Options
	report func(Line)

	local, domain, service string         // of the worker's account and of the room
	clients                []*conn.Client // all that are logged in
	admin                  *conn.Client
	missing                bool      // the room does not exist, and may not be made
	occupant               *occupant // the administrator in the room, where that is needed
}

// Run prepares the server step by step and reports each. After the first that
// fails it stops, and returns ErrFailed.
func Run(ctx context.Context, o Options, report func(Line)) error {
	o.Worker = o.Worker.Prepared()
	j := &job{Options: o, report: report}
	j.local, j.domain, _ = strings.Cut(o.Worker.JID, "@")
	_, j.service, _ = strings.Cut(o.Worker.Room, "@")
	defer func() {
		for _, c := range j.clients {
			c.Close()
		}
	}()
	for _, step := range []func(context.Context) (Line, error){
		j.login, j.rooms, j.account, j.room, j.configure, j.membership, j.check,
	} {
		if err := j.take(ctx, step); err != nil {
			report(Line{Failed, err.Error()})
			return ErrFailed
		}
	}
	return nil
}

// take takes one step, within the time that the worker allows for a join.
func (j *job) take(ctx context.Context, step func(context.Context) (Line, error)) error {
	late := fmt.Errorf("no answer within XMPP_CONNECT_TIMEOUT=%s", j.Worker.ConnectTimeout)
	ctx, cancel := context.WithTimeoutCause(ctx, j.Worker.ConnectTimeout, late)
	defer cancel()
	line, err := step(ctx)
	switch {
	case err == nil:
		j.report(line)
	case errors.Is(err, os.ErrDeadlineExceeded): // the connection has the same deadline
		return fmt.Errorf("%w: %w", late, err)
	case ctx.Err() != nil: // what follows from it explains nothing
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

func (j *job) note(format string, args ...any) {
	j.report(Line{Note, fmt.Sprintf(format, args...)})
}

// login logs the administrator in.
func (j *job) login(ctx context.Context) (Line, error) {
	c, err := j.dial(ctx, j.Options.admin())
	if c, ok := refusal(err); ok && c.Name == "not-authorized" {
		return Line{}, &sink.Error{Op: "log in as " + j.Admin.JID, Err: c, Fix: "check XMPP_ADMIN_JID and XMPP_ADMIN_PASSWORD"}
	}
	j.admin = c
	return Line{Already, j.Admin.JID + " can log in"}, err
}

// again is the pause before another attempt to log in.
const again = 500 * time.Millisecond

// dial logs an account in, for as long as the job takes. jabberd2 refuses some
// logins that come right after a logout; the next one succeeds.
func (j *job) dial(ctx context.Context, cfg sink.Config) (*conn.Client, error) {
	for {
		c, err := dial(ctx, cfg)
		if err == nil {
			j.clients = append(j.clients, c)
			return c, nil
		}
		if !refused(err, "internal-server-error") || !backoff.Wait(ctx, again) {
			return nil, err
		}
	}
}

func connect(ctx context.Context, cfg sink.Config) (*conn.Client, error) {
	account, err := cfg.Account()
	if err != nil {
		return nil, err
	}
	return account.Connect(ctx)
}

func dial(ctx context.Context, cfg sink.Config) (*conn.Client, error) {
	c, err := connect(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := c.Login(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// refusal returns the condition with which the other side refused, if it did.
func refusal(err error) (*sink.Condition, bool) { return errors.AsType[*sink.Condition](err) }

// refused reports whether the other side refused with one of the conditions.
func refused(err error, names ...string) bool {
	c, ok := refusal(err)
	return ok && slices.Contains(names, c.Name)
}
