package conn

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http/httptest"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// held is a connection that can keep what is written to it.
type held struct {
	net.Conn
	keep bool
	kept bytes.Buffer
}

func (h *held) Write(p []byte) (int, error) {
	if h.keep {
		return h.kept.Write(p)
	}
	return h.Conn.Write(p)
}

// Some servers make a TLS record of each stanza. What has come together is one batch.
func TestRecordsThatComeTogetherAreOneBatch(t *testing.T) {
	certified := httptest.NewTLSServer(nil)
	defer certified.Close()
	ours, theirs := net.Pipe()
	defer func() { _ = theirs.Close() }()
	go func() {
		conn := &held{Conn: theirs}
		server := tls.Server(conn, certified.TLS)
		if server.HandshakeContext(t.Context()) != nil {
			return // as the client will tell
		}
		conn.keep = true
		for _, text := range []string{"<stream:stream>", "<message/>", "<message/>", "<message/>"} {
			_, _ = server.Write([]byte(text)) // a record
		}
		_, _ = theirs.Write(conn.kept.Bytes())
	}()

	stream := newStream(ours)
	defer stream.Close()
	roots := x509.NewCertPool()
	roots.AddCert(certified.Certificate())
	if err := stream.secure(t.Context(), &tls.Config{RootCAs: roots, ServerName: "example.com", MinVersion: tls.VersionTLS13}); err != nil {
		t.Fatal(err)
	}
	batches := 0
	stream.tcp.beforeRead = func() { batches++ }
	stream.framer = wire.NewFramer(stream.conn, maxInbound)
	if _, err := stream.framer.Header(); err != nil {
		t.Fatal(err)
	}
	before := batches
	for range 3 {
		if _, err := stream.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if batches != before {
		t.Errorf("%d more reads for stanzas that had come", batches-before)
	}
}
