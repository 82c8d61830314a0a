package sink

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
)

// Reasons lists all words that Reason returns.
func Reasons() []string {
	return []string{
		"bounced", "closed", "dns", "join", "login", "network", "nick", "not_in_room",
		"removed", "silent", "stalled", "stream_error", "timeout", "tls",
	}
}

// Reason returns one of a few words for what ended a stay or an attempt, for
// statistics. What the other side says never becomes part of it.
func Reason(err error) string {
	if _, removed := errors.AsType[*RemovedError](err); removed {
		return "removed"
	}
	for _, known := range []struct {
		err  error
		word string
	}{
		{errStalled, "stalled"},
		{errSilent, "silent"},
		{errClosed, "closed"},
		{errNotInRoom, "not_in_room"},
		{errNickFree, "nick"},
		{errGone, "closed"},
		{errNoService, "dns"},
		{context.DeadlineExceeded, "timeout"},
	} {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	return reasonOfType(err)
}

// reasonOfType tells by the type of err, where no single value says it.
func reasonOfType(err error) string {
	if _, bad := errors.AsType[*tls.CertificateVerificationError](err); bad || errors.Is(err, errNoTLS) {
		return "tls"
	}
	if e, ok := errors.AsType[*Error](err); ok {
		for prefix, word := range map[string]string{"join ": "join", "create ": "join", "post ": "bounced", "log in ": "login"} {
			if strings.HasPrefix(e.Op, prefix) {
				return word
			}
		}
	}
	if _, said := errors.AsType[*Condition](err); said {
		return "stream_error"
	}
	if _, failed := errors.AsType[*net.DNSError](err); failed {
		return "dns"
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return "timeout"
	}
	return "network"
}
