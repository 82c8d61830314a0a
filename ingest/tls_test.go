package ingest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// issue makes a certificate for 127.0.0.1 in dir, by an authority of its own.
func issue(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	ca, err := testbed.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue(dir, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	pem, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return pool
}

// postOnce posts by a connection of its own.
func postOnce(t *testing.T, url string, config *tls.Config) (int, error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}, Timeout: time.Minute}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/v1/text/"+token, strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	first := issue(t, dir)
	c := ingest.Config{
		Addr: "127.0.0.1:0", Token: config.NewSecret(token), MaxBody: 4096, MaxPending: 8192, StoreWithin: 10 * time.Second,
		Cert: filepath.Join(dir, "fullchain.pem"), Key: filepath.Join(dir, "server.key"),
	}
	log := slog.New(slog.DiscardHandler)
	s, err := ingest.Listen(t.Context(), c, ingest.New(c, &broker{}, log, func(ingest.Event) {}), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, 10*time.Second) }()
	secure := "https://" + s.Addr()
	if code, err := postOnce(t, secure, &tls.Config{RootCAs: first}); code != http.StatusOK {
		t.Errorf("TLS: %d, %v", code, err)
	}
	if code, err := postOnce(t, secure, &tls.Config{RootCAs: first, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil { //nolint:gosec // on purpose
		t.Errorf("TLS 1.1 is taken: %d", code)
	}
	if code, err := postOnce(t, "http://"+s.Addr(), nil); code == http.StatusOK {
		t.Errorf("without TLS: %d, %v", code, err)
	}
	second := issue(t, dir) // renewed: new connections have it
	if code, err := postOnce(t, secure, &tls.Config{RootCAs: second}); code != http.StatusOK {
		t.Errorf("with the new certificate: %d, %v", code, err)
	}
	if code, err := postOnce(t, secure, &tls.Config{RootCAs: first}); err == nil {
		t.Errorf("the old certificate is still there: %d", code)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestACertificateThatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	issue(t, dir)
	c := ingest.Config{Addr: "127.0.0.1:0", Cert: filepath.Join(dir, "fullchain.pem"), Key: filepath.Join(dir, "missing.key")}
	_, err := ingest.Listen(t.Context(), c, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "INGEST_TLS_KEY") || !strings.Contains(err.Error(), "missing.key") {
		t.Errorf("got %v", err)
	}
}
