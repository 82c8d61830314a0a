package conn

import (
	"cmp"
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

// records answers SRV queries by service.
type records map[string][]*net.SRV

func (r records) lookup(_ context.Context, service, _, _ string) (string, []*net.SRV, error) {
	if list, ok := r[service]; ok {
		return "", list, nil
	}
	return "", nil, errors.New("no such host")
}

func TestEndpointsFollowDNS(t *testing.T) {
	secure := []*net.SRV{{Target: "a.example.", Port: 5223, Priority: 20}}
	plain := []*net.SRV{{Target: "b.example.", Port: 5222, Priority: 10}, {Target: "c.example.", Port: 443, Priority: 20}}
	none := []*net.SRV{{Target: "."}}
	both := records{"xmpps-client": secure, "xmpp-client": plain}
	for name, tc := range map[string]struct {
		domain, addr string
		mode         Mode
		dns          records
		want         []endpoint
		err          error
	}{
		"both kinds, by priority":   {mode: Auto, dns: both, want: []endpoint{{"b.example:5222", false}, {"a.example:5223", true}, {"c.example:443", false}}},
		"only direct":               {mode: Direct, dns: both, want: []endpoint{{"a.example:5223", true}}},
		"only starttls":             {mode: StartTLS, dns: both, want: []endpoint{{"b.example:5222", false}, {"c.example:443", false}}},
		"direct refused by the dot": {mode: Auto, dns: records{"xmpps-client": none, "xmpp-client": plain[:1]}, want: []endpoint{{"b.example:5222", false}}},
		"all refused by the dot":    {mode: Auto, dns: records{"xmpps-client": none, "xmpp-client": none}, err: errNoService},
		"direct refused, no others": {mode: Auto, dns: records{"xmpps-client": none}, want: []endpoint{{"example.org:5222", false}}},
		"starttls refused":          {mode: Auto, dns: records{"xmpp-client": none}, err: errNoService},
		"wanted kind refused":       {mode: Direct, dns: records{"xmpps-client": none, "xmpp-client": plain}, err: errNoService},
		"no records":                {mode: Auto, want: []endpoint{{"example.org:5222", false}}},
		"no records, direct":        {mode: Direct, want: []endpoint{{"example.org:5223", true}}},
		"domain is an address":      {domain: "[2001:db8::1]", mode: Auto, want: []endpoint{{"[2001:db8::1]:5222", false}}},
		"an address, whatever DNS":  {addr: "[::1]:5222", mode: Auto, dns: both, want: []endpoint{{"[::1]:5222", false}}},
	} {
		a := &Account{Domain: cmp.Or(tc.domain, "example.org"), Addr: tc.addr, Mode: tc.mode, Lookup: tc.dns.lookup}
		got, _, err := a.endpoints(t.Context())
		if !slices.Equal(got, tc.want) || !errors.Is(err, tc.err) {
			t.Errorf("%s: got %v, %v", name, got, err)
		}
	}
}

// A name server that fails is not the same as a domain without records.
func TestFailingNameServersAreNamed(t *testing.T) {
	for _, tc := range []struct {
		err  error
		want string
	}{
		{&net.DNSError{Err: "server misbehaving", IsTemporary: true}, "SRV records of example.org cannot be looked up (lookup : server misbehaving), so: example.org:5222"},
		{&net.DNSError{Err: "no such host", IsNotFound: true}, "no SRV records of example.org: example.org:5222"},
	} {
		a := &Account{Domain: "example.org", Mode: Auto, Lookup: func(context.Context, string, string, string) (string, []*net.SRV, error) {
			return "", nil, tc.err
		}}
		list, unknown, err := a.endpoints(t.Context())
		if got := a.found(list, unknown); got != tc.want || err != nil {
			t.Errorf("%s, %v", got, err)
		}
	}
}

// A name server that answers SERVFAIL to everything is one that fails.
func TestServersThatFailAreNoAnswer(t *testing.T) {
	server, err := new(net.ListenConfig).ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	go func() {
		query := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(query)
			if err != nil {
				return
			}
			query[2] |= 0x80 // an answer (RFC 1035, 4.1.1)
			query[3] = 0x82  // with recursion, and the code of a failure
			_, _ = server.WriteTo(query[:n], from)
		}
	}()
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	a := &Account{Domain: "example.org", Mode: Auto, Lookup: resolver.LookupSRV}
	list, unknown, err := a.endpoints(t.Context())
	if got := a.found(list, unknown); err != nil || !strings.HasPrefix(got, "SRV records of example.org cannot be looked up") || !strings.Contains(got, "server misbehaving") {
		t.Errorf("%s, %v", got, err)
	}
}
