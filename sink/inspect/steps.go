package inspect

import (
	"errors"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// step is a part of the way into the room, by its name in the report.
type step string

const (
	stepAddress    = step(conn.StepAddress)
	stepTCP        = step(conn.StepTCP)
	stepTLS        = step(conn.StepTLS)
	stepMechanisms = step(conn.StepMechanisms)
	stepLogin      = step(conn.StepLogin)

	stepSessions  step = "sessions"
	stepService   step = "service"
	stepRoom      step = "room"
	stepJoin      step = "join"
	stepNick      step = "nickname"
	stepVoice     step = "voice"
	stepHistory   step = "history"
	stepRoundTrip step = "round trip"
	stepThrottle  step = "throttle"
)

// steps are all of them in order: each needs those before it.
func steps() []step {
	return []step{
		stepAddress, stepTCP, stepTLS, stepMechanisms, stepLogin, stepSessions,
		stepService, stepRoom, stepJoin, stepNick, stepVoice, stepHistory, stepRoundTrip, stepThrottle,
	}
}

func (s step) class() check.Class {
	switch i := slices.Index(steps(), s); {
	case i <= slices.Index(steps(), stepTLS):
		return check.Connection
	case i <= slices.Index(steps(), stepSessions):
		return check.Login
	default:
		return check.Room
	}
}

// add reports on a step.
func (in *inspection) add(s step, status check.Status, found, fix string) {
	in.report.Add(s.class(), string(s), status, found, fix)
}

func (in *inspection) ok(s step, found string) (goOn bool) {
	in.add(s, check.OK, found, "")
	return true
}

func (in *inspection) warn(s step, found, fix string) (goOn bool) {
	in.add(s, check.Warn, found, fix)
	return true
}

// fail reports that a step has failed. It is the last one that is looked at.
func (in *inspection) fail(s step, err error) (goOn bool) {
	found, fix := split(err)
	in.add(s, check.Fail, found, fix)
	return false
}

// skipRest names what was not looked at.
func (in *inspection) skipRest() {
	for _, s := range steps() {
		reported := slices.ContainsFunc(in.report, func(r check.Result) bool { return r.Name == string(s) })
		if !reported && in.asked(s) {
			in.add(s, check.Skip, "not checked", "")
		}
	}
}

// asked reports whether a step is to be taken.
func (in *inspection) asked(s step) bool {
	switch s {
	case stepSessions:
		return in.probes.Sessions > 1
	case stepRoundTrip:
		return in.probes.RoundTrip
	case stepThrottle:
		return in.probes.Throttle
	default:
		return true
	}
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
