package client_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

func bearerConfig(o client.OAuth) client.Config {
	return client.Config{
		Brokers: []string{"127.0.0.1:1"}, Topics: []string{"alerts"}, GroupID: "g", DLQSuffix: ".dlq",
		Start: "earliest", SessionTimeout: time.Minute, SASL: "oauthbearer", OAuth: o,
	}
}

func firstMessage(t *testing.T, m sasl.Mechanism) (string, error) {
	t.Helper()
	_, first, err := m.Start(t.Context())
	return string(first), err
}

// A token in a file is read again for every connection.
func TestTokenFileIsReadAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	c, err := client.New(bearerConfig(client.OAuth{TokenFile: file}))
	if err != nil {
		t.Fatal(err)
	}
	m := c.Transport.SASL
	if _, err := firstMessage(t, m); err == nil || !strings.Contains(err.Error(), "KAFKA_TOKEN_FILE") {
		t.Errorf("without the file: %v", err)
	}
	for _, token := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := firstMessage(t, m); err != nil || got != "n,,\x01auth=Bearer "+token+"\x01\x01" {
			t.Errorf("first message %q (%v)", got, err)
		}
	}
	if err := os.WriteFile(file, []byte("two\nlines"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := firstMessage(t, m); err == nil || strings.Contains(err.Error(), "lines") {
		t.Errorf("a file with two lines: %v", err)
	}
}

// A token of a provider is kept until it expires, and a refusal names the setting.
func TestClientCredentials(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "worker" || password != "hunter2" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "a b" {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "from-provider", "token_type": "bearer", "expires_in": 3600})
	}))
	defer provider.Close()
	o := client.OAuth{TokenURL: provider.URL, ClientID: "worker", ClientSecret: config.NewSecret("hunter2"), Scopes: []string{"a", "b"}}
	c, err := client.New(bearerConfig(o))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got, err := firstMessage(t, c.Transport.SASL); err != nil || !strings.Contains(got, "Bearer from-provider\x01") {
			t.Errorf("first message %q (%v)", got, err)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("the provider was asked %d times for one token", asked.Load())
	}
	o.ClientSecret = config.NewSecret("wrong-secret")
	if c, err = client.New(bearerConfig(o)); err != nil {
		t.Fatal(err)
	}
	if _, err := firstMessage(t, c.Transport.SASL); err == nil || !strings.Contains(err.Error(), "KAFKA_TOKEN_URL") || strings.Contains(err.Error(), "wrong-secret") {
		t.Errorf("a refusal: %v", err)
	}
}
