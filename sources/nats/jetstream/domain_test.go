package jetstream_test

import (
	"log/slog"
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/admin"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// domainServer starts a server with a JetStream domain of its own.
func domainServer(t *testing.T, domain string, leaf server.LeafNodeOpts) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		ServerName: domain, Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true,
		JetStream: true, JetStreamDomain: domain, StoreDir: t.TempDir(), LeafNode: leaf,
	})
	natstest.Must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(sourcetest.Patience) {
		t.Fatal("server does not become ready")
	}
	return s
}

// awaitDomain returns when a client of s has an answer from the JetStream of domain: a
// leaf that is connected does not yet know what the hub subscribes to.
func awaitDomain(t *testing.T, s *server.Server, domain string) {
	t.Helper()
	conn, err := client.Connect(s.ClientURL())
	natstest.Must(t, err)
	defer conn.Close()
	js, err := jetstream.NewWithDomain(conn, domain)
	natstest.Must(t, err)
	sourcetest.Eventually(t, "the JetStream of domain "+domain+" answers", func() bool {
		_, err := js.AccountInfo(t.Context())
		return err == nil
	})
}

// A worker on a leaf node that has a JetStream of its own reads the stream of the
// hub, by the domain or by the API prefix, and makes nothing in the leaf's.
func TestDomain(t *testing.T) {
	t.Parallel()
	host, text, err := net.SplitHostPort(testbed.FreeAddr(t))
	natstest.Must(t, err)
	port, err := strconv.Atoi(text)
	natstest.Must(t, err)
	hub := domainServer(t, "hub", server.LeafNodeOpts{Host: host, Port: port})
	remote := &url.URL{Scheme: "nats-leaf", Host: net.JoinHostPort(host, text)}
	leaf := domainServer(t, "leaf", server.LeafNodeOpts{Remotes: []*server.RemoteLeafOpts{{URLs: []*url.URL{remote}}}})
	awaitDomain(t, leaf, "hub")
	conn, err := client.Connect(hub.ClientURL())
	natstest.Must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	natstest.Must(t, err)
	for name, set := range map[string]func(*nats.Settings){
		"domain": func(s *nats.Settings) { s.Domain = "hub" },
		"prefix": func(s *nats.Settings) { s.APIPrefix = "$JS.hub.API" },
	} {
		settings := natstest.Settings(leaf.Addr().String())
		set(&settings)
		cfg := source.Config{Stream: "S_" + name, Consumer: "c", Subjects: []string{"notify." + name}, AckWait: sourcetest.Patience}
		report := admin.PrepareJetStream(t.Context(), settings, cfg, sources.CreateAll)
		if report.ExitCode() != 0 {
			t.Fatalf("%s: %+v", name, report)
		}
		if _, err := js.Stream(t.Context(), cfg.Stream); err != nil {
			t.Fatalf("%s: the hub has no stream: %v", name, err)
		}
		r := natstest.Note(1)
		m := natstest.Message("notify", r)
		m.Subject = "notify." + name
		_, err := js.PublishMsg(t.Context(), m)
		natstest.Must(t, err)
		src, err := source.Open(settings, cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
		natstest.Must(t, err)
		d := sourcetest.Next(t, src, 1)
		natstest.Reject(t, d[0])
		consumer, err := js.Consumer(t.Context(), cfg.Stream, "c")
		natstest.Must(t, err)
		sourcetest.Eventually(t, "the hub has the acknowledgement", func() bool {
			info, err := consumer.Info(t.Context())
			return err == nil && info.AckFloor.Stream == 1
		})
		natstest.Must(t, src.Close(t.Context()))
	}
}
