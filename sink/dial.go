package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"
)

// endpoint is a place where the server may listen.
type endpoint struct {
	addr   string // host:port
	direct bool   // TLS from the first byte (XEP-0368)
}

// lookupSRV is net.Resolver.LookupSRV: records sorted by priority, and at
// random by weight within one (RFC 2782).
type lookupSRV func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)

// noSRV is a lookup that finds nothing.
func noSRV(context.Context, string, string, string) (string, []*net.SRV, error) {
	return "", nil, nil
}

// errNoService: the domain says by a record with the target "." that it offers
// no XMPP (RFC 6120, 3.2.1).
var errNoService = errors.New("DNS says that the domain offers no XMPP")

// endpoints returns where to try to connect, best first: the configured
// address, or what DNS says, or the domain itself.
func (a *account) endpoints(ctx context.Context) ([]endpoint, error) {
	if a.addr != "" {
		return []endpoint{{a.addr, a.direct}}, nil
	}
	type record struct {
		endpoint
		priority uint16
	}
	var records []record
	refused := map[bool]bool{} // by direct
	for _, service := range []string{"xmpps-client", "xmpp-client"} {
		direct := service == "xmpps-client"
		if a.mode == tlsDirect && !direct || a.mode == tlsStart && direct {
			continue
		}
		_, found, _ := a.lookup(ctx, service, "tcp", a.domain) // no answer is no record
		for _, srv := range found {
			if host := strings.TrimSuffix(srv.Target, "."); host != "" {
				addr := net.JoinHostPort(host, strconv.Itoa(int(srv.Port)))
				records = append(records, record{endpoint{addr, direct}, srv.Priority})
			} else {
				refused[direct] = true
			}
		}
	}
	if other := a.fallback(); len(records) == 0 && refused[other.direct] {
		return nil, errNoService
	} else if len(records) == 0 {
		return []endpoint{other}, nil
	}
	slices.SortStableFunc(records, func(a, b record) int { return int(a.priority) - int(b.priority) })
	list := make([]endpoint, len(records))
	for i, r := range records {
		list[i] = r.endpoint
	}
	return list, nil
}

// fallback is where a server listens whose domain has no SRV records, or is an
// address, like [2001:db8::1].
func (a *account) fallback() endpoint {
	host := strings.Trim(a.domain, "[]")
	if a.mode == tlsDirect {
		return endpoint{net.JoinHostPort(host, portDirect), true}
	}
	return endpoint{net.JoinHostPort(host, portStartTLS), false}
}

// connect opens an encrypted stream to the first endpoint that takes us. The
// caller owns the stream.
func (a *account) connect(ctx context.Context) (*stream, features, error) {
	list, err := a.endpoints(ctx)
	if err != nil {
		return nil, features{}, &Error{Op: "find the server of " + a.domain, Err: err, Cure: "correct XMPP_JID or set XMPP_ADDR", Lasting: true}
	}
	a.trace.reach(stepAddress, a.found(list))
	var failed []error
	for i, e := range list {
		s, offered, err := a.try(ctx, e, len(list)-i)
		if err == nil {
			return s, offered, nil
		}
		failed = append(failed, explain(fmt.Sprintf("connect to %s for %s", e.addr, a.domain), err))
		a.trace.useless(failed[i])
	}
	if len(failed) == 1 {
		return nil, features{}, failed[0]
	}
	return nil, features{}, errors.Join(failed...)
}

// found says where endpoints come from.
func (a *account) found(list []endpoint) string {
	addrs := make([]string, len(list))
	for i, e := range list {
		addrs[i] = e.addr
		if e.direct {
			addrs[i] += " (TLS from the first byte)"
		}
	}
	source := "SRV records of " + a.domain
	if a.addr != "" {
		source = "XMPP_ADDR"
	} else if len(list) == 1 && list[0] == a.fallback() {
		source = "no SRV records of " + a.domain
	}
	return source + ": " + strings.Join(addrs, ", ")
}

// try opens a stream to one endpoint, within its share of the time that is
// left for all of them.
func (a *account) try(ctx context.Context, e endpoint, left int) (*stream, features, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(deadline)/time.Duration(left))
		defer cancel()
	}
	conn, err := a.dial(ctx, "tcp", e.addr)
	if err != nil {
		return nil, features{}, err
	}
	s := newStream(conn)
	s.trace = a.trace
	a.trace.reach(stepTCP, "connected to "+conn.RemoteAddr().String())
	defer s.bound(ctx)()
	offered, err := a.encrypt(ctx, s, e.direct)
	if err != nil {
		s.close()
		return nil, features{}, err
	}
	return s, offered, nil
}
