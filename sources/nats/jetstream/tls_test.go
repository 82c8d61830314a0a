package jetstream_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// variant is one way in which a server does TLS.
type variant struct {
	tls    string // its TLS settings, beside the certificate
	scheme string // of the client's address
	client func(*nats.Settings, pki)
	ws     bool
}

func variants() map[string]variant {
	return map[string]variant{
		"scheme tls":  {scheme: "tls"},
		"scheme nats": {scheme: "nats"}, // NATS_CA alone switches TLS on
		"mutual":      {scheme: "tls", tls: "verify: true", client: func(c *nats.Settings, p pki) { p.certify(c) }},
		"TLS first":   {scheme: "tls", tls: "handshake_first: true", client: func(c *nats.Settings, _ pki) { c.TLSFirst = true }},
		"WebSocket":   {scheme: "wss", ws: true},
	}
}

// Each variant of TLS works; and each refuses a server that another authority
// has certified, and one that is certified under another name.
func TestTLS(t *testing.T) {
	t.Parallel()
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good, other := newPKI(t), newPKI(t)
			b, cfg := v.start(t, good, "127.0.0.1")
			b.PublishNotes(t, 0, 1)
			sourcetest.Ack(t, sourcetest.Next(t, b.use(t, cfg), 1)...)

			cfg.CA = other.file("ca.crt")
			natstest.Fails(t, b.use(t, cfg), "not connected", "certificate signed by unknown authority")
		})
	}
}

// A certificate for another host is refused although the authority is right.
func TestTLSWrongName(t *testing.T) {
	t.Parallel()
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, cfg := v.start(t, newPKI(t), "nats.example")
			natstest.Fails(t, b.use(t, cfg), "not connected", "certificate", "127.0.0.1")
		})
	}
}

// A server that knows no TLS does not get our password.
func TestPlaintextRefused(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	for _, set := range []func(*nats.Settings){
		func(c *nats.Settings) { c.CA = newPKI(t).file("ca.crt") },
		func(c *nats.Settings) { c.URLs = []string{"tls://" + b.Addr()} },
	} {
		cfg := b.config()
		set(&cfg.Settings)
		natstest.Fails(t, b.use(t, cfg), "not connected", "secure connection not available")
	}
}

// A server that wants a certificate gets the right one or none of our work.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	good, other := newPKI(t), newPKI(t)
	b, cfg := variants()["mutual"].start(t, good, "127.0.0.1")
	cfg.Cert, cfg.Key = "", ""
	natstest.Fails(t, b.use(t, cfg), "not connected")
	cfg.Cert, cfg.Key = other.file("server.crt"), other.file("server.key")
	natstest.Fails(t, b.use(t, cfg), "not connected")
}

// start starts a server that is certified for host, and makes the settings of
// a worker that trusts it.
func (v variant) start(t *testing.T, p pki, host string) (*broker, settings) {
	t.Helper()
	p.issue(t, host)
	tls := fmt.Sprintf("tls { cert_file: %q, key_file: %q, ca_file: %q, %s }", p.file("server.crt"), p.file("server.key"), p.file("ca.crt"), v.tls)
	ws := testbed.FreeAddr(t)
	config := tls
	if v.ws {
		config = fmt.Sprintf("websocket { listen: %q, %s }", ws, tls)
	}
	srv := natstest.NewServer(t, config)
	b := connect(t, srv, v.admin(p, host)...)
	b.CreateStream(t)
	cfg := b.config()
	cfg.Create, cfg.CA = true, p.file("ca.crt")
	cfg.URLs = []string{v.scheme + "://" + srv.Addr()}
	if v.ws {
		cfg.URLs = []string{v.scheme + "://" + ws}
	}
	if v.client != nil {
		v.client(&cfg.Settings, p)
	}
	return b, cfg
}

// admin are the options of the client behind the source's back.
func (v variant) admin(p pki, host string) []client.Option {
	if v.ws {
		return nil
	}
	options := []client.Option{client.RootCAs(p.file("ca.crt")), client.ClientCert(p.file("server.crt"), p.file("server.key"))}
	options = append(options, func(o *client.Options) error { o.TLSConfig.ServerName = host; return nil })
	if strings.Contains(v.tls, "handshake_first") {
		options = append(options, client.TLSHandshakeFirst())
	}
	return options
}

// pki is a certificate authority and the folder of what it has issued.
type pki struct {
	ca  *testbed.CA
	dir string
}

func newPKI(t *testing.T) pki {
	t.Helper()
	ca, err := testbed.NewCA()
	natstest.Must(t, err)
	p := pki{ca, t.TempDir()}
	p.issue(t, "127.0.0.1")
	return p
}

func (p pki) issue(t *testing.T, host string) { t.Helper(); natstest.Must(t, p.ca.Issue(p.dir, host)) }

func (p pki) file(name string) string { return filepath.Join(p.dir, name) }

func (p pki) certify(c *nats.Settings) { c.Cert, c.Key = p.file("server.crt"), p.file("server.key") }
