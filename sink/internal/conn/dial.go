package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
)

// endpoint is a place where the server may listen.
type endpoint struct {
	addr   string // host:port
	direct bool   // TLS from the first byte (XEP-0368)
}

// errNoService: the domain says by a record with the target "." that it offers
// no XMPP (RFC 6120, 3.2.1).
var errNoService = errors.New("DNS says that the domain offers no XMPP")

// endpoints returns where to try to connect, best first: the configured
// address, or what DNS says, or the domain itself. unknown is why DNS did not say.
func (a *Account) endpoints(ctx context.Context) (list []endpoint, unknown, err error) {
	if a.Addr != "" {
		return []endpoint{{a.Addr, a.direct()}}, nil, nil
	}
	type record struct {
		endpoint
		priority uint16
	}
	var records []record
	refused := map[bool]bool{} // by direct
	for _, service := range []string{"xmpps-client", "xmpp-client"} {
		direct := service == "xmpps-client"
		if a.Mode == Direct && !direct || a.Mode == StartTLS && direct {
			continue
		}
		_, found, err := a.Lookup(ctx, service, "tcp", jid.ASCII(a.Domain)) // no answer is no record
		if dns, failed := errors.AsType[*net.DNSError](err); failed && !dns.IsNotFound {
			unknown = dns
		}
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
		return nil, nil, errNoService
	} else if len(records) == 0 {
		return []endpoint{other}, unknown, nil
	}
	slices.SortStableFunc(records, func(a, b record) int { return int(a.priority) - int(b.priority) })
	for _, r := range records {
		list = append(list, r.endpoint)
	}
	return list, unknown, nil
}

// fallback is where a server listens whose domain has no SRV records, or is an
// address, like [2001:db8::1].
func (a *Account) fallback() endpoint {
	host := jid.ASCII(strings.Trim(a.Domain, "[]"))
	if a.Mode == Direct {
		return endpoint{net.JoinHostPort(host, portDirect), true}
	}
	return endpoint{net.JoinHostPort(host, portStartTLS), false}
}

// connect opens an encrypted stream to the first endpoint that takes us. The
// caller owns the stream.
func (a *Account) connect(ctx context.Context) (*Stream, error) {
	list, unknown, err := a.endpoints(ctx)
	if err != nil {
		return nil, &Error{Kind: KindDNS, Op: "find the server of " + a.Domain, Err: err, Fix: "correct XMPP_JID or set XMPP_ADDR", Lasting: true}
	}
	a.Trace.reach(StepAddress, a.found(list, unknown))
	var failed []error
	for i, e := range list {
		s, err := a.try(ctx, e, len(list)-i)
		if err == nil {
			return s, nil
		}
		failed = append(failed, explain(KindNetwork, fmt.Sprintf("connect to %s for %s", e.addr, a.Domain), err))
		a.Trace.useless(failed[i])
	}
	if len(failed) == 1 {
		return nil, failed[0]
	}
	return nil, errors.Join(failed...)
}

// found says where endpoints come from.
func (a *Account) found(list []endpoint, unknown error) string {
	addrs := make([]string, len(list))
	for i, e := range list {
		addrs[i] = e.addr
		if e.direct {
			addrs[i] += " (TLS from the first byte)"
		}
	}
	source := "SRV records of " + a.Domain
	if a.Addr != "" {
		source = "XMPP_ADDR"
	} else if len(list) == 1 && list[0] == a.fallback() {
		source = "no SRV records of " + a.Domain
		if unknown != nil {
			source = fmt.Sprintf("SRV records of %s cannot be looked up (%s), so", a.Domain, OneLine(unknown.Error()))
		}
	}
	return source + ": " + strings.Join(addrs, ", ")
}

// try opens a stream to one endpoint, within its share of the time that is
// left for all of them.
func (a *Account) try(ctx context.Context, e endpoint, left int) (*Stream, error) {
	if deadline, ok := ctx.Deadline(); ok && left > 1 {
		share := time.Until(deadline) / time.Duration(left)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, share, &End{KindTimeout, fmt.Sprintf("no stream within %s, its part of XMPP_CONNECT_TIMEOUT", share.Round(time.Millisecond))})
		defer cancel()
	}
	s, err := a.dial(ctx, e.addr)
	if err != nil {
		return nil, Because(ctx, err)
	}
	defer s.Bound(ctx)()
	if err := a.encrypt(ctx, s, e.direct); err != nil {
		s.Close()
		return nil, Because(ctx, err)
	}
	return s, nil
}

// dial connects to an endpoint: by WebSocket, if that is what the address says.
func (a *Account) dial(ctx context.Context, addr string) (*Stream, error) {
	if a.overWebSocket() {
		return a.dialWebSocket(ctx, addr)
	}
	conn, err := a.dialTCP(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	s := newStream(conn)
	s.trace = a.Trace
	return s, nil
}

func (a *Account) dialTCP(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := a.Dial(ctx, network, addr)
	if err == nil {
		a.Trace.reach(StepTCP, "connected to "+conn.RemoteAddr().String())
	}
	return conn, err
}

// UnknownHost reports whether it is the name that failed.
func UnknownHost(err error) bool {
	_, unknown := errors.AsType[*net.DNSError](err)
	return unknown || errors.Is(err, errNoService)
}
