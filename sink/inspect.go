package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Probes are what Inspect does beyond looking: they show in the room.
type Probes struct {
	RoundTrip bool // post one message and wait until the room shows it
	Throttle  bool // post a burst of messages and measure how fast the room takes them
}

// Inspect goes the way into the room that Run goes, with the same code, once,
// and reports on every part of it. It takes a seat under the nickname of cfg
// for a moment, and creates nothing. Every wait ends with ConnectTimeout, those of
// the probes with StallTimeout.
func Inspect(ctx context.Context, cfg Config, p Probes) check.Report {
	in := &inspection{trace: &trace{reached: map[step]string{}}, probes: p}
	room, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		in.report.Fail(check.Settings, "settings", err)
		return in.report
	}
	in.Room = room
	room.account.trace = in.trace
	in.look(ctx)
	in.skipRest()
	return in.report
}

// inspection is one Inspect. Steps are reported in order, each once.
type inspection struct {
	*Room
	trace  *trace
	probes Probes
	info   discoInfo // of the room
	next   step
	report check.Report
}

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
		stepService:    {"service", check.Room},
		stepRoom:       {"room", check.Room},
		stepJoin:       {"join", check.Room},
		stepNick:       {"nickname", check.Room},
		stepVoice:      {"voice", check.Room},
		stepMemory:     {"memory", check.Room},
		stepRoundTrip:  {"round trip", check.Room},
		stepThrottle:   {"throttle", check.Room},
	}
}

// add reports on a step.
func (in *inspection) add(s step, status check.Status, found, cure string) {
	about := steps()[s]
	in.report.Add(about.class, about.name, status, found, cure)
	in.next = max(in.next, s+1)
}

func (in *inspection) ok(s step, found string)         { in.add(s, check.OK, found, "") }
func (in *inspection) warn(s step, found, cure string) { in.add(s, check.Warn, found, cure) }

// fail reports that a step has failed. It is the last one that is looked at.
func (in *inspection) fail(s step, err error) {
	found, cure := split(err)
	in.add(s, check.Fail, found, cure)
}

// skipRest names what was not looked at.
func (in *inspection) skipRest() {
	for s := in.next; int(s) < len(steps()); s++ {
		if s == stepRoundTrip && !in.probes.RoundTrip || s == stepThrottle && !in.probes.Throttle {
			continue
		}
		in.add(s, check.Skip, "not looked at", "")
	}
}

// split tells the cure of err from the rest.
func split(err error) (found, cure string) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []string
		for _, one := range several.Unwrap() {
			text, its := split(one)
			if all = append(all, text); cure == "" {
				cure = its
			}
		}
		return strings.Join(all, "; "), cure
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return fmt.Sprintf("%s: %v", e.Op, e.Err), e.Cure
	}
	return err.Error(), ""
}

// look goes into the room, as far as that is possible.
func (in *inspection) look(ctx context.Context) {
	setup, cancel := context.WithTimeout(ctx, in.cfg.ConnectTimeout)
	defer cancel()
	stream, id, err := in.account.login(setup)
	if !in.loggedIn(err) {
		return
	}
	release := stream.bound(setup)
	there := in.service(stream) && in.describe(stream)
	release()
	if !there {
		stream.close()
		return
	}
	in.visit(ctx, stream, id)
}

// loggedIn reports on what comes before the room, up to the step at which err
// has ended it.
func (in *inspection) loggedIn(err error) bool {
	if err != nil && isUnknownHost(err) {
		delete(in.trace.reached, stepAddress)
	}
	if errors.Is(err, errNoMechanism) {
		delete(in.trace.reached, stepMechanisms)
	}
	for s := stepAddress; s <= stepLogin; s++ {
		found, ok := in.trace.reached[s]
		switch {
		case !ok:
			in.fail(s, err)
			return false
		case s == stepTLS:
			in.certificate()
		case s == stepTCP && len(in.trace.failed) > 0 && err == nil:
			failed, cure := split(errors.Join(in.trace.failed...))
			in.warn(s, found+", but not to all addresses: "+failed, cure)
		case s == stepLogin && in.trace.mechanism == "PLAIN":
			in.warn(s, found+" by PLAIN, which tells the server the password", "enable SCRAM-SHA-256 or SCRAM-SHA-1 on the server")
		case s == stepLogin:
			in.ok(s, found+" by "+in.trace.mechanism)
		default:
			in.ok(s, found)
		}
	}
	return true
}

// freshness is how long before its end a certificate is worth a warning.
const freshness = 21 * 24 * time.Hour

// certificate reports on TLS and on how long it will last.
func (in *inspection) certificate() {
	state := &in.trace.tls
	if len(state.PeerCertificates) == 0 {
		in.ok(stepTLS, "encrypted")
		return
	}
	leaf := state.PeerCertificates[0]
	left := time.Until(leaf.NotAfter)
	found := fmt.Sprintf("%s, certificate for %s issued by %s, %d days left", tls.VersionName(state.Version),
		strings.Join(leaf.DNSNames, ", "), leaf.Issuer.CommonName, int(left.Hours()/24))
	if left < freshness {
		in.warn(stepTLS, found, "renew the server's certificate before "+leaf.NotAfter.UTC().Format(time.DateOnly))
		return
	}
	in.ok(stepTLS, found)
}
