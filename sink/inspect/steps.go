package inspect

import (
	"errors"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// step is a part of the way into the room. They are in order: each needs those
// before it.
type step int

const (
	stepAddress    = step(conn.StepAddress)
	stepTCP        = step(conn.StepTCP)
	stepTLS        = step(conn.StepTLS)
	stepMechanisms = step(conn.StepMechanisms)
	stepLogin      = step(conn.StepLogin)
)

const (
	stepSessions step = iota + stepLogin + 1
	stepService
	stepRoom
	stepJoin
	stepNick
	stepVoice
	stepHistory
	stepRoundTrip
	stepThrottle
)

// steps are the names of the steps and their classes, in order.
func steps() []struct {
	name  string
	class check.Class
} {
	return []struct {
		name  string
		class check.Class
	}{
		stepAddress:    {"address", check.Connection},
		stepTCP:        {"tcp", check.Connection},
		stepTLS:        {"tls", check.Connection},
		stepMechanisms: {"mechanisms", check.Login},
		stepLogin:      {"login", check.Login},
		stepSessions:   {"sessions", check.Login},
		stepService:    {"service", check.Room},
		stepRoom:       {"room", check.Room},
		stepJoin:       {"join", check.Room},
		stepNick:       {"nickname", check.Room},
		stepVoice:      {"voice", check.Room},
		stepHistory:    {"history", check.Room},
		stepRoundTrip:  {"round trip", check.Room},
		stepThrottle:   {"throttle", check.Room},
	}
}

// report is a report by steps.
type report struct {
	check.Report
	next step
}

// add reports on a step.
func (r *report) add(s step, status check.Status, found, fix string) {
	about := steps()[s]
	r.Add(about.class, about.name, status, found, fix)
	r.next = max(r.next, s+1)
}

func (r *report) ok(s step, found string)        { r.add(s, check.OK, found, "") }
func (r *report) warn(s step, found, fix string) { r.add(s, check.Warn, found, fix) }

// fail reports that a step has failed. It is the last one that is looked at.
func (r *report) fail(s step, err error) {
	found, fix := split(err)
	r.add(s, check.Fail, found, fix)
}

// split tells the fix of err from the rest.
func split(err error) (found, fix string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range several.Unwrap() {
			text, its := split(one)
			if all = append(all, text); fix == "" {
				fix = its
			}
		}
		return strings.Join(all, "; "), fix
	}
	if e, ok := errors.AsType[*sink.Error](err); ok {
		return e.What(), e.Fix
	}
	return err.Error(), ""
}
