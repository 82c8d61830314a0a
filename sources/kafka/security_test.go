package kafka_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	user     = testbed.KafkaUser
	password = testbed.KafkaPassword
)

// guard is one way in which a cluster may be guarded.
type guard struct {
	name      string
	tls       bool
	mutual    bool
	mechanism string // KAFKA_SASL
}

func guards() []guard {
	return []guard{
		{"TLS", true, false, "none"},
		{"mutual TLS", true, true, "none"},
		{"PLAIN over TLS", true, false, "plain"},
		{"SCRAM-SHA-256", false, false, "scram-sha-256"},
		{"SCRAM-SHA-512", false, false, "scram-sha-512"},
		{"SCRAM-SHA-256 over TLS", true, false, "scram-sha-256"},
		{"SCRAM-SHA-512 over TLS", true, false, "scram-sha-512"},
	}
}

// A guarded cluster is used for everything, group, readers, metadata, offsets
// and dead letters, by who has the right keys, and by nobody else.
func TestSecurity(t *testing.T) {
	t.Parallel()
	certs := t.TempDir()
	ca, err := testbed.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue(certs, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	for _, g := range guards() {
		t.Run(g.name, func(t *testing.T) {
			var options []kfake.Opt
			if g.tls {
				options = append(options, kfake.TLS(g.server(t, certs)))
			}
			if g.mechanism != "none" {
				options = append(options, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(g.mechanism), user, password))
			}
			g.check(t, newCluster(t, options...), certs)
		})
	}
}

func (g guard) server(t *testing.T, certs string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(filepath.Join(certs, "server.crt"), filepath.Join(certs, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if g.mutual {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, pool(t, certs)
	}
	return config
}

func pool(t *testing.T, certs string) *x509.CertPool {
	t.Helper()
	pem, err := os.ReadFile(filepath.Join(certs, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// check works through the guard, and tries every wrong key.
func (g guard) check(t *testing.T, c *cluster, certs string) {
	t.Helper()
	transport := g.transport(t, certs)
	c.admin.Transport, c.writer.Transport = transport, transport
	for _, name := range []string{c.topic, c.topic + ".dlq"} {
		if err := c.createTopic(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	c.publish(t, 0, 30)
	g.configure(&c.config, certs)
	c.config.Start = "latest" // which asks for offsets, too
	s := c.open(t)
	c.settles(t, 30)
	c.publish(t, 30, 10)
	batch := receive(t, s, 10)
	ack(t, batch[1:]...)
	if err := batch[0].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err != nil {
		t.Error(err)
	}
	c.settles(t, 40)
	g.refuses(t, c)
}

// configure is what an operator does.
func (g guard) configure(cfg *kafka.Config, certs string) {
	cfg.SASL = g.mechanism
	if g.tls {
		cfg.TLS, cfg.CA = true, filepath.Join(certs, "ca.crt")
	}
	if g.mutual {
		cfg.Cert, cfg.Key = filepath.Join(certs, "server.crt"), filepath.Join(certs, "server.key")
	}
	switch g.mechanism {
	case "none":
	case "oauthbearer":
		cfg.TokenFile = filepath.Join(certs, "token")
	default:
		cfg.User, cfg.Password = user, config.NewSecret(password)
	}
}

// refuses tries what must not work.
func (g guard) refuses(t *testing.T, c *cluster) {
	t.Helper()
	right := c.config
	try := func(why string, edit func(*kafka.Config)) {
		t.Helper()
		c.config = right
		edit(&c.config)
		refusesToJoin(t, c, why)
	}
	if g.tls {
		try("certificate signed by unknown authority", func(cfg *kafka.Config) { cfg.CA = "" })
		try("match localhost", func(cfg *kafka.Config) {
			_, port, _ := net.SplitHostPort(cfg.Brokers[0])
			cfg.Brokers = []string{"localhost:" + port}
		})
	}
	if g.mutual {
		try("remote error: tls: ", func(cfg *kafka.Config) { cfg.Cert, cfg.Key = "", "" })
	}
	if g.mechanism == "oauthbearer" {
		try("KAFKA_TOKEN_FILE", func(cfg *kafka.Config) { cfg.TokenFile += "-none" })
		return
	}
	if g.mechanism != "none" {
		try("KAFKA_USER="+user, func(cfg *kafka.Config) { cfg.Password = config.NewSecret("sicrit") })
		try("KAFKA_SASL", func(cfg *kafka.Config) { cfg.SASL, cfg.User, cfg.Password = "none", "", config.Secret{} })
	}
}

func refusesToJoin(t *testing.T, c *cluster, why string) {
	t.Helper()
	s := c.open(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience) // it would wait for ever if it could join
	defer cancel()
	batch, err := sourcetest.Receive(ctx, s, 1)
	if len(batch) > 0 || err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v does not say %q", err, why)
	}
	if err != nil && strings.Contains(err.Error(), "sicrit") {
		t.Error("the error shows the password")
	}
}

// transport is the test's own way into the cluster.
func (g guard) transport(t *testing.T, certs string) *kafkago.Transport {
	t.Helper()
	transport := &kafkago.Transport{MetadataTTL: 2 * time.Second, DialTimeout: patience, SASL: g.sasl(t)}
	if g.tls {
		transport.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool(t, certs)}
	}
	if g.mutual {
		transport.TLS.Certificates = g.server(t, certs).Certificates
	}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func (g guard) sasl(t *testing.T) sasl.Mechanism {
	t.Helper()
	algorithm := scram.SHA256
	switch g.mechanism {
	case "none":
		return nil
	case "oauthbearer":
		return unsigned{}
	case "plain":
		return plain.Mechanism{Username: user, Password: password}
	case "scram-sha-512":
		algorithm = scram.SHA512
	}
	mechanism, err := scram.Mechanism(algorithm, user, password)
	if err != nil {
		t.Fatal(err)
	}
	return mechanism
}

// unsigned is SASL OAUTHBEARER with a token that nobody has signed.
type unsigned struct{}

func (unsigned) Name() string { return "OAUTHBEARER" }

func (unsigned) Start(context.Context) (sasl.StateMachine, []byte, error) {
	return unsigned{}, []byte("n,,\x01auth=Bearer " + unsignedToken() + "\x01\x01"), nil
}

func (unsigned) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	return len(challenge) == 0, nil, nil
}

func unsignedToken() string {
	part := base64.RawURLEncoding.EncodeToString
	now := time.Now().Unix()
	return part([]byte(`{"alg":"none"}`)) + "." + part(fmt.Appendf(nil, `{"sub":"%s","iat":%d,"exp":%d}`, user, now-60, now+3600)) + "."
}
