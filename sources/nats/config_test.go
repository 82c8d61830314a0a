package nats_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

func valid() nats.Config {
	return nats.Config{
		URLs: []string{"nats://127.0.0.1:4222"}, Stream: "S", Consumer: "c",
		AckWait: 30 * time.Second, DLQSubject: "dlq",
	}
}

func TestValidate(t *testing.T) {
	if errs := valid().Validate(); len(errs) > 0 {
		t.Fatalf("valid settings are refused: %v", errs)
	}
	tests := []struct {
		name  string
		spoil func(*nats.Config)
		want  string
	}{
		{"no url", func(c *nats.Config) { c.URLs = nil }, "NATS_URL"},
		{"no host", func(c *nats.Config) { c.URLs = []string{"localhost"} }, "NATS_URL"},
		{"scheme", func(c *nats.Config) { c.URLs = []string{"http://h:80"} }, `"http"`},
		{"secret in url", func(c *nats.Config) { c.URLs = []string{"nats://u:hunter2@h:1"} }, "NATS_PASSWORD"},
		{"no stream", func(c *nats.Config) { c.Stream = "" }, "NATS_STREAM is empty"},
		{"bad stream", func(c *nats.Config) { c.Stream = "a.b" }, `NATS_STREAM "a.b"`},
		{"bad consumer", func(c *nats.Config) { c.Consumer = "a b" }, `NATS_CONSUMER "a b"`},
		{"bad subject", func(c *nats.Config) { c.Subjects = []string{"a..b"} }, `NATS_SUBJECTS has the entry "a..b"`},
		{"wildcard dlq", func(c *nats.Config) { c.DLQSubject = "dlq.>" }, `NATS_DLQ_SUBJECT "dlq.>"`},
		{"ack wait", func(c *nats.Config) { c.AckWait = time.Millisecond }, "NATS_ACK_WAIT 1ms"},
		{"two users", func(c *nats.Config) { c.User, c.Creds = "u", "f" }, "NATS_CREDS and NATS_USER are set"},
		{"password alone", func(c *nats.Config) { c.Password = config.NewSecret("hunter2") }, "NATS_PASSWORD is set without NATS_USER"},
		{"cert alone", func(c *nats.Config) { c.Cert = "c.pem" }, `NATS_CERT "c.pem"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := valid()
			test.spoil(&c)
			err := errors.Join(c.Validate()...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v shows the secret", err)
			}
			if _, err := nats.Open(c, slog.New(slog.DiscardHandler)); err == nil {
				t.Error("opened with these settings")
			}
		})
	}
}

// A file that cannot be read is named with its setting, before any connection.
func TestMissingFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "missing")
	tests := []struct {
		want string
		set  func(*nats.Config)
	}{
		{"NATS_CREDS", func(c *nats.Config) { c.Creds = file }},
		{"NATS_NKEY", func(c *nats.Config) { c.NKey = file }},
		{"NATS_CA", func(c *nats.Config) { c.CA = file }},
		{"NATS_CERT and NATS_KEY", func(c *nats.Config) { c.Cert, c.Key = file, file }},
	}
	for _, test := range tests {
		c := valid()
		test.set(&c)
		_, err := nats.Open(c, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v, want %q and the file", err, test.want)
		}
	}
}

// Wrong credentials are told and may be mended on the broker.
func TestCredentials(t *testing.T) {
	b := newBroker(t)
	b.publish(t, 0, 1)
	b.stop()
	b.opts.Username, b.opts.Password = "worker", "right"
	b.start(t)
	cfg := b.config()
	cfg.User, cfg.Password = "worker", config.NewSecret("wrong")
	src := b.use(t, cfg)
	fails(t, src, "not connected", "Authorization Violation")
	b.stop()
	b.opts.Password = "wrong"
	b.start(t)
	ack(t, receive(t, src, 1)...)
}
