package e2e_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// isSecret reports the settings whose values are for nobody else.
func isSecret(name string) bool {
	switch name {
	case "XMPP_PASSWORD", "XMPP_ROOM_PASSWORD", "XMPP_ID_KEY", "NATS_PASSWORD", "NATS_TOKEN", "KAFKA_PASSWORD", "OTEL_EXPORTER_OTLP_HEADERS", "INGEST_TOKEN":
		return true
	}
	return false
}

// leaks returns the secrets of env that text has in any form.
func leaks(env map[string]string, text []byte) (names []string) {
	for name, value := range env {
		if !isSecret(name) || value == "" {
			continue
		}
		decoded, _ := url.QueryUnescape(value)
		for _, form := range []string{
			value, decoded, url.QueryEscape(value), hex.EncodeToString([]byte(value)),
			// As SASL has it, alone and behind a name, whose length moves it.
			inBase64(value), inBase64("x" + value), inBase64("xx" + value),
		} {
			if bytes.Contains(text, []byte(form)) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// inBase64 is what does not depend on what comes before and after.
func inBase64(text string) string {
	encoded := base64.RawStdEncoding.EncodeToString([]byte(text))
	return encoded[min(4, len(encoded)):max(4, len(encoded)-2)]
}

// keepsSecrets fails the test if the log of a worker has a secret. Every
// worker of every test is looked at, and most log at level debug.
func (p *process) keepsSecrets(env map[string]string) {
	p.t.Helper()
	if found := leaks(env, []byte(p.Text())); len(found) > 0 {
		p.t.Errorf("the log has the values of %q", found)
	}
}

// TestSecretsAreInNoLog has every secret set, right and wrong, and looks into
// the log at level debug and at everything that the admin port says.
func TestSecretsAreInNoLog(t *testing.T) {
	// A search that finds nothing must find what is there.
	for _, text := range []string{"<hunter22>", "aHVudGVyMjI=", base64.StdEncoding.EncodeToString([]byte("\x00me\x00hunter22"))} {
		if len(leaks(map[string]string{"XMPP_PASSWORD": "hunter22"}, []byte(text))) == 0 {
			t.Errorf("%q is not found in %s", "hunter22", text)
		}
	}
	for name, c := range map[string]struct {
		server sinktest.Config
		env    map[string]string
	}{
		"all is right":         {server: sinktest.Config{RoomPassword: "room-secret-1"}},
		"PLAIN":                {server: sinktest.Config{RoomPassword: "room-secret-1", Mechanisms: []string{"PLAIN"}}},
		"wrong password":       {env: map[string]string{"XMPP_PASSWORD": "wrong-secret-2"}},
		"wrong with PLAIN":     {server: sinktest.Config{Mechanisms: []string{"PLAIN"}}, env: map[string]string{"XMPP_PASSWORD": "wrong-secret-2"}},
		"wrong room password":  {server: sinktest.Config{RoomPassword: "another"}},
		"a server without TLS": {server: sinktest.Config{TLS: sinktest.TLSNever}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := sinktest.Start(c.server)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(server.Close)
			b := bench{broker: embeddedNATS}
			ca := t.TempDir() + "/ca.pem"
			if err := os.WriteFile(ca, server.CAPEM(), 0o600); err != nil {
				t.Fatal(err)
			}
			env := xmppEnv(server.Addr(), server.Domain(), server.RoomJID(), ca)
			maps.Copy(env, b.broker(t).env())
			maps.Copy(env, allSecrets(t))
			maps.Copy(env, c.env)
			worker := startWorker(t, env)
			told := ""
			until(t, "the worker has tried", func(ctx context.Context) (bool, error) {
				log := worker.Text()
				tried := strings.Contains(log, "in the room") || strings.Contains(log, "disconnected, reconnecting")
				for _, path := range []string{"/status", "/readyz", "/metrics"} {
					if status, text, _ := ask(ctx, "http://"+env["ADMIN_ADDR"]+path); status == http.StatusOK || status == http.StatusServiceUnavailable {
						told += string(text)
					}
				}
				return tried && strings.Contains(log, "kafka") && told != "", errors.New(log)
			})
			if found := leaks(env, []byte(told)); len(found) > 0 {
				t.Errorf("the admin port tells the values of %q", found)
			}
			worker.terminate() // its end looks into the log
		})
	}
}

// allSecrets sets what embeddedNATS and sinktest do not need.
func allSecrets(t *testing.T) map[string]string {
	t.Helper()
	nobody := testbed.FreeAddr(t)
	return map[string]string{
		"LOG_LEVEL": "debug", "ADMIN_ADDR": testbed.FreeAddr(t), "SOURCES": "nats,kafka",
		"XMPP_ROOM_PASSWORD": "room-secret-1", "XMPP_ID_KEY": "key-secret-3",
		"NATS_USER": "me", "NATS_PASSWORD": "nats-secret-4",
		"KAFKA_BROKERS": nobody, "KAFKA_TOPICS": "alerts", "KAFKA_SASL": "scram-sha-512", "KAFKA_USER": "me", "KAFKA_PASSWORD": "kafka-secret-5",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + nobody, "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20trace-secret-6",
	}
}
