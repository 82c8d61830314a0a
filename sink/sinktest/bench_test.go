package sinktest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// dialTLS is a careful client's direct TLS.
func dialTLS(ctx context.Context, srv *sinktest.Server) (net.Conn, error) {
	d := tls.Dialer{Config: &tls.Config{RootCAs: srv.CertPool(), ServerName: srv.Domain(), MinVersion: tls.VersionTLS12}}
	return d.DialContext(ctx, "tcp", srv.DirectTLSAddr())
}

// BenchmarkReflection is a bare sender with a window of 32 and messages of 300 bytes.
func BenchmarkReflection(b *testing.B) {
	srv, err := sinktest.Start(sinktest.Config{TranscriptSize: 1000})
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	conn, err := dialTLS(b.Context(), srv)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close() //nolint:errcheck // the benchmark is over
	r := &scanner{conn: conn, buf: make([]byte, 0, 64<<10)}
	const header = "<stream:stream to='xmpp.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
	plain := base64.StdEncoding.EncodeToString([]byte("\x00notifier\x00notifier-pw"))
	for _, step := range [][2]string{
		{header, "</stream:features>"},
		{"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" + plain + "</auth>", "<success"},
		{header, "</stream:features>"},
		{"<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>", "</iq>"},
		{"<presence to='" + srv.RoomJID() + "/n'><x xmlns='http://jabber.org/protocol/muc'/></presence>", "<subject/></message>"},
	} {
		if _, err := io.WriteString(conn, step[0]); err != nil {
			b.Fatal(err)
		}
		r.until(b, step[1], 1)
	}
	message := []byte("<message type='groupchat' id='12345678' to='" + srv.RoomJID() + "'><body>" + strings.Repeat("x", 300) + "</body></message>")
	began := time.Now()
	for out, done := 0, 0; b.Loop(); out++ {
		if out-done >= 32 {
			done += r.until(b, "</message>", 16)
		}
		if _, err := conn.Write(message); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "msg/s")
}

// scanner counts the ends of elements, which is all that a benchmark has time for.
type scanner struct {
	conn io.Reader
	buf  []byte
}

// until reads until a text was seen at least n times, and returns how often.
func (s *scanner) until(b *testing.B, text string, n int) int {
	b.Helper()
	seen := 0
	for {
		for i := bytes.Index(s.buf, []byte(text)); i >= 0; i = bytes.Index(s.buf, []byte(text)) {
			s.buf = append(s.buf[:0], s.buf[i+len(text):]...)
			seen++
		}
		if seen >= n {
			return seen
		}
		got, err := s.conn.Read(s.buf[len(s.buf):cap(s.buf)])
		if err != nil {
			b.Fatal(err)
		}
		s.buf = s.buf[:len(s.buf)+got]
	}
}
