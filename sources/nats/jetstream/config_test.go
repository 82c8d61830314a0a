package jetstream_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
)

func valid() settings {
	return settings{natstest.Settings("127.0.0.1:4222"), source.Config{Stream: "S", Consumer: "c", AckWait: 30 * time.Second}}
}

func (s settings) validate() []error { return append(s.Settings.Validate(), s.Config.Validate()...) }

func TestValidate(t *testing.T) {
	if errs := valid().validate(); len(errs) > 0 {
		t.Fatalf("valid settings are refused: %v", errs)
	}
	tests := []struct {
		name  string
		spoil func(*settings)
		want  string
	}{
		{"no url", func(c *settings) { c.URLs = nil }, "NATS_URL"},
		{"no host", func(c *settings) { c.URLs = []string{"nats://:4222"} }, "NATS_URL"},
		{"scheme", func(c *settings) { c.URLs = []string{"http://h:80"} }, `"http"`},
		{"secret in url", func(c *settings) { c.URLs = []string{"nats://u:hunter2@h:1"} }, "NATS_PASSWORD"},
		{"no stream", func(c *settings) { c.Stream = "" }, "NATS_STREAM is empty"},
		{"bad stream", func(c *settings) { c.Stream = "a.b" }, `NATS_STREAM "a.b"`},
		{"bad consumer", func(c *settings) { c.Consumer = "a b" }, `NATS_CONSUMER "a b"`},
		{"bad subject", func(c *settings) { c.Subjects = []string{"a..b"} }, `NATS_SUBJECTS has the entry "a..b"`},
		{"overlapping subjects", func(c *settings) { c.Subjects = []string{"a.b", "c.d", "a.>"} }, `"a.b" and "a.>", which overlap`},
		{"misplaced wildcard", func(c *settings) { c.Subjects = []string{"a.>.b"} }, `"a.>.b"`},
		{"max deliver", func(c *settings) { c.MaxDeliver = 3 }, "NATS_MAX_DELIVER 3 is too low"},
		{"inbox", func(c *settings) { c.InboxPrefix = "a b" }, `NATS_INBOX_PREFIX "a b"`},
		{"wildcard dlq", func(c *settings) { c.DLQSubject = "dlq.>" }, `NATS_DLQ_SUBJECT "dlq.>"`},
		{"ack wait", func(c *settings) { c.AckWait = time.Millisecond }, "NATS_ACK_WAIT 1ms"},
		{"two users", func(c *settings) { c.User, c.Creds = "u", "f" }, "NATS_CREDS and NATS_USER are set"},
		{"password alone", func(c *settings) { c.Password = config.NewSecret("hunter2") }, "NATS_PASSWORD is set without NATS_USER"},
		{"cert alone", func(c *settings) { c.Cert = "c.pem" }, `NATS_CERT "c.pem"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := valid()
			test.spoil(&c)
			err := errors.Join(c.validate()...)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want %q", err, test.want)
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v shows the secret", err)
			}
			if _, err := source.Open(c.Settings, c.Config, slog.New(slog.DiscardHandler)); err == nil {
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
		set  func(*settings)
	}{
		{"NATS_CREDS", func(c *settings) { c.Creds = file }},
		{"NATS_NKEY", func(c *settings) { c.NKey = file }},
		{"NATS_CA", func(c *settings) { c.CA = file }},
		{"NATS_CERT and NATS_KEY", func(c *settings) { c.Cert, c.Key = file, file }},
	}
	for _, test := range tests {
		c := valid()
		test.set(&c)
		_, err := source.Open(c.Settings, c.Config, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v, want %q and the file", err, test.want)
		}
	}
}

// Workers that gather notifications for a digest hold more of them.
func TestMaxAckPendingAllowsWhatTwoWorkersHold(t *testing.T) {
	found := jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1000, AckWait: time.Minute}
	for holds, want := range map[int]string{0: "", 32: "", 532: "set it to at least 1064"} {
		got := ""
		for _, err := range (source.Config{Holds: holds}).Problems(found) {
			if fault, ok := errors.AsType[*check.Fault](err); ok {
				got += fault.Fix
			}
		}
		if got != want {
			t.Errorf("holding %d: %q, want %q", holds, got, want)
		}
	}
}
