package conn

import (
	"errors"
	"fmt"
	"net"
	"strings"
)

// maxRedirects is how often one attempt is sent elsewhere.
const maxRedirects = 3

// follow does what is done with an account, and again at the place to which the
// server sends us (see-other-host, RFC 6120, 4.9.3.19). TLS proves there that it serves
// the same domain.
func (a *Account) follow(do func(*Account) error) error {
	for redirects := 0; ; redirects++ {
		err := do(a)
		addr, elsewhere := otherHost(err)
		switch {
		case elsewhere && redirects == maxRedirects:
			return fmt.Errorf("sent from one host to the next %d times: %w", redirects, err)
		case elsewhere && !a.overWebSocket():
		case err != nil && redirects > 0:
			return fmt.Errorf("sent to %.200s by the server: %w", a.Addr, err)
		default:
			return err
		}
		there := *a
		there.Addr, there.Mode = addr, Auto
		if a.Mode == StartTLS {
			there.Mode = StartTLS
		}
		a = &there
	}
}

// otherHost is the address to which a stream error sends us.
func otherHost(err error) (addr string, ok bool) {
	c, said := errors.AsType[*Condition](err)
	if !said || c.Of != OfStream || c.Name != "see-other-host" || c.Elsewhere == "" {
		return "", false
	}
	if host, port, err := net.SplitHostPort(c.Elsewhere); err == nil && host != "" && port != "" {
		return c.Elsewhere, true
	}
	return net.JoinHostPort(strings.Trim(c.Elsewhere, "[]"), portStartTLS), true
}
