package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// TLS and SASL hold for everything: group, readers, metadata, dead letters.
func TestTLSAndSASL(t *testing.T) {
	certificate, file := certify(t)
	c := newCluster(t, kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "worker", "secret"),
		kfake.TLS(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}))
	pool := x509.NewCertPool()
	pool.AddCert(certificate.Leaf)
	mechanism, err := scram.Mechanism(scram.SHA256, "worker", "secret")
	if err != nil {
		t.Fatal(err)
	}
	transport := &kafkago.Transport{TLS: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, SASL: mechanism, MetadataTTL: 100 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	c.admin.Transport, c.writer.Transport = transport, transport
	for _, name := range []string{topic, topic + ".dlq"} {
		if err := c.createTopic(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	c.publish(t, 0, 30)

	c.config.TLS, c.config.CA = true, file
	c.config.SASL, c.config.User, c.config.Password = "scram-sha-256", "worker", config.NewSecret("secret")
	for _, d := range receive(t, c.open(t), 30) {
		if err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err != nil {
			t.Fatal(err)
		}
	}
	c.settles(t, 30)

	c.config.Password = config.NewSecret("sicrit")
	refusesToJoin(t, c, "KAFKA_USER=worker and KAFKA_PASSWORD")
	c.config.CA, c.config.Password = "", config.NewSecret("secret")
	refusesToJoin(t, c, "certificate signed by unknown authority")
}

func refusesToJoin(t *testing.T, c *cluster, why string) {
	t.Helper()
	s := c.open(t)
	_, err := s.Receive(t.Context(), 1)
	if err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("error %v does not say %q", err, why)
	}
	if err != nil && strings.Contains(err.Error(), "sicrit") {
		t.Error("the error shows the password")
	}
}

// certify makes a certificate for 127.0.0.1, and a PEM file of it.
func certify(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, file
}
