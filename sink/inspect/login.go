package inspect

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// login reports on what comes before the room, up to the step at which err has
// ended it.
func (in *inspection) login(err error) bool {
	if err != nil && conn.UnknownHost(err) {
		delete(in.trace.Reached, conn.StepAddress)
	}
	if errors.Is(err, conn.ErrNoMechanism) {
		delete(in.trace.Reached, conn.StepMechanisms)
	}
	for _, s := range conn.Steps() {
		found, ok := in.trace.Reached[s]
		if !ok {
			return in.fail(step(s), err)
		}
		in.reached(step(s), found, err)
	}
	return true
}

// reached reports on a step that the login has taken.
func (in *inspection) reached(s step, found string, err error) {
	switch {
	case s == stepTLS:
		in.certificate()
	case s == stepTCP && len(in.trace.Failed) > 0 && err == nil:
		failed, fix := split(errors.Join(in.trace.Failed...))
		in.warn(s, found+", but not to all addresses: "+failed, fix)
	case s == stepLogin && in.trace.Mechanism == "PLAIN":
		in.warn(s, found+" by PLAIN, which tells the server the password", "enable SCRAM-SHA-256 or SCRAM-SHA-1 on the server")
	case s == stepLogin:
		in.ok(s, found+" by "+in.trace.Mechanism)
	default:
		in.ok(s, found)
	}
}

// freshness is how long before its end a certificate deserves a warning.
const freshness = 21 * 24 * time.Hour

// certificate reports on TLS and on how long it will last.
func (in *inspection) certificate() {
	state := &in.trace.TLS
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
	} else {
		in.ok(stepTLS, found)
	}
}
