package nats_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

func (b *broker) init(t *testing.T, cfg settings, create bool) sources.Report {
	t.Helper()
	report, err := nats.Init(t.Context(), cfg.Common, cfg.Config, create)
	must(t, err)
	return report
}

// Init makes a broker that the source works with, and leaves alone what it has
// made.
func TestInit(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	cfg := b.config()
	cfg.Subjects = []string{"notify.>"}
	first := b.init(t, cfg, true)
	if got := fmt.Sprint(first.Done); strings.Count(got, "created") != 3 || len(first.Flaws) > 0 {
		t.Errorf("report %+v", first)
	}
	before, err := b.info(t.Context())
	must(t, err)
	must(t, b.Publish(t.Context(), note(0), withKey(note(1), "x")))
	src := b.use(t, cfg)
	got := receive(t, src, 2)
	ack(t, got[0])
	must(t, got[1].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}))
	b.settles(t, 2)

	second := b.init(t, cfg, true)
	if got := fmt.Sprint(second.Done); strings.Count(got, "found") != 3 || len(second.Flaws) > 0 {
		t.Errorf("second report %+v", second)
	}
	after, err := b.info(t.Context())
	must(t, err)
	if !after.Created.Equal(before.Created) || after.AckFloor.Stream != 2 {
		t.Errorf("the second init has changed the consumer: %+v", after)
	}
}

// Streams are made only on request, and what is missing is told with its cure.
func TestInitWithoutCreate(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	cfg := b.config()
	_, err := nats.Init(t.Context(), cfg.Common, cfg.Config, false)
	if !errors.Is(err, jetstream.ErrStreamNotFound) || !strings.Contains(err.Error(), "NATS_STREAM") {
		t.Errorf("error %v", err)
	}
	if _, err = nats.Init(t.Context(), cfg.Common, cfg.Config, true); err == nil || !strings.Contains(err.Error(), "NATS_SUBJECTS is empty") {
		t.Errorf("error %v", err)
	}
	b.createStream(t)
	report := b.init(t, cfg, false)
	if got := fmt.Sprint(report.Done); !strings.Contains(got, "created consumer") {
		t.Errorf("report %+v", report)
	}
	if got := fmt.Sprint(report.Flaws); len(report.Flaws) != 1 || !strings.Contains(got, "dlq.NOTIFY.>") || !strings.Contains(got, "init --create") {
		t.Errorf("report %+v does not tell of the dead letters", report)
	}
}

// Settings that defeat the promises are told, each by its name.
func TestInitFlaws(t *testing.T) {
	t.Parallel()
	consumer := jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1000, AckWait: 30 * time.Second}
	stored := jetstream.StreamConfig{Name: stream, Subjects: []string{"notify.>"}}
	for want, spoil := range map[string]func(c *jetstream.ConsumerConfig, s *jetstream.StreamConfig){
		"ack_policy is AckAll":               func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.AckPolicy = jetstream.AckAllPolicy },
		"max_deliver is 3":                   func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.MaxDeliver = 3 },
		"ack_wait or backoff is 100ms":       func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.AckWait = 100 * time.Millisecond },
		"max_ack_pending is 5":               func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.MaxAckPending = 5 },
		"mem_storage":                        func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.MemoryStorage = true },
		"headers_only":                       func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.HeadersOnly = true },
		"inactive_threshold is 1h":           func(c *jetstream.ConsumerConfig, _ *jetstream.StreamConfig) { c.InactiveThreshold = time.Hour },
		"storage is memory":                  func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) { s.Storage = jetstream.MemoryStorage },
		"max_msgs is 10 with discard old":    func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) { s.MaxMsgs = 10 },
		"max_bytes is 1000 with discard old": func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) { s.MaxBytes = 1000 },
		"max_msgs_per_subject is 1":          func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) { s.MaxMsgsPerSubject = 1 },
		"no_ack is on":                       func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) { s.NoAck = true },
		"max_age is 1h":                      func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) { s.MaxAge = time.Hour },
		"stream NOTIFY: it captures its own": func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) {
			s.Subjects = []string{"notify.>", "dlq.>"}
		},
		"captures only a part of the dead": func(_ *jetstream.ConsumerConfig, s *jetstream.StreamConfig) {
			s.Subjects = []string{"notify.>", "dlq.NOTIFY.a"}
		},
		"no stream captures the dead letters'": func(*jetstream.ConsumerConfig, *jetstream.StreamConfig) {},
	} {
		b := startServer(t)
		c, s := consumer, stored
		spoil(&c, &s)
		_, err := b.js.CreateStream(t.Context(), s)
		must(t, err)
		b.createConsumer(t, c)
		report := b.init(t, b.config(), false)
		if got := strings.Join(report.Flaws, "\n"); !strings.Contains(got, want) {
			t.Errorf("flaws %q lack %q", got, want)
		}
	}
}

// What may be meant so is a note.
func TestInitNotes(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	_, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream, Subjects: []string{"notify.>"}, Retention: jetstream.InterestPolicy, MaxAge: 1000 * time.Hour})
	must(t, err)
	b.createConsumer(t, jetstream.ConsumerConfig{
		Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1000, AckWait: time.Hour,
		DeliverPolicy: jetstream.DeliverNewPolicy, FilterSubject: "notify.a",
	})
	cfg := b.config()
	cfg.Subjects = []string{"notify.b"}
	got := strings.Join(b.init(t, cfg, false).Notes, "\n")
	for _, want := range []string{"retention is interest", "max_age is 1000h", "ack_wait is 1h", "deliver_policy", `["notify.a"], NATS_SUBJECTS names ["notify.b"]`} {
		if !strings.Contains(got, want) {
			t.Errorf("notes %q lack %q", got, want)
		}
	}
}
