package admin_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/admin"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// broker is a server for which a source is prepared.
type broker struct{ *natstest.Broker }

func startServer(t testing.TB) *broker {
	t.Helper()
	return &broker{natstest.StartServer(t)}
}

func connect(t testing.TB, srv natstest.Server, options ...client.Option) *broker {
	t.Helper()
	return &broker{natstest.Connect(t, srv, options...)}
}

// settings are all of a source.
type settings struct {
	nats.Settings
	source.Config
}

func (b *broker) config() settings {
	return settings{natstest.Settings(b.Addr()), source.Config{Stream: natstest.Stream, Consumer: natstest.Durable, AckWait: 30 * time.Second}}
}

// use opens a source for the length of the test.
func (b *broker) use(t testing.TB, cfg settings) *source.Source {
	t.Helper()
	src, err := source.Open(cfg.Settings, cfg.Config, slog.New(b.Logs))
	natstest.Must(t, err)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	return src
}

func withKey(r sourcetest.Record, key string) sourcetest.Record {
	r.Key = []byte(key)
	return r
}

func (b *broker) init(t *testing.T, cfg settings, mode sources.Mode) check.Report {
	t.Helper()
	return admin.PrepareJetStream(t.Context(), cfg.Settings, cfg.Config, mode)
}

// Init makes a broker that the source works with, and leaves alone what it has
// made.
func TestInit(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	cfg := b.config()
	cfg.Subjects = []string{"notify.>"}
	first := b.init(t, cfg, sources.CreateAll)
	if got := fmt.Sprint(first.Of(check.OK)); strings.Count(got, "created") != 3 || first.ExitCode() != 0 {
		t.Errorf("report %+v", first)
	}
	before, err := b.Info(t.Context())
	natstest.Must(t, err)
	natstest.Must(t, b.Publish(t.Context(), natstest.Note(0), withKey(natstest.Note(1), "x")))
	src := b.use(t, cfg)
	got := sourcetest.Next(t, src, 2)
	sourcetest.Ack(t, got[0])
	natstest.Must(t, got[1].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}))
	b.Settles(t, 2)

	second := b.init(t, cfg, sources.CreateAll)
	if got := fmt.Sprint(second.Of(check.OK)); strings.Count(got, "found") != 3 || second.ExitCode() != 0 {
		t.Errorf("second report %+v", second)
	}
	after, err := b.Info(t.Context())
	natstest.Must(t, err)
	if !after.Created.Equal(before.Created) || after.AckFloor.Stream != 2 {
		t.Errorf("the second init has changed the consumer: %+v", after)
	}
}

// Streams are made only on request, and what is missing is told with its fix.
func TestInitWithoutCreate(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	cfg := b.config()
	for want, mode := range map[string]sources.Mode{"run xmpp-notifier init --create, or correct NATS_STREAM": sources.CreateConsumer, "NATS_SUBJECTS is empty": sources.CreateAll} {
		if got := fmt.Sprint(b.init(t, cfg, mode).Of(check.Fail)); !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	b.CreateStream(t)
	report := b.init(t, cfg, sources.CreateConsumer)
	if got := fmt.Sprint(report.Of(check.OK)); !strings.Contains(got, "created consumer") {
		t.Errorf("report %+v", report)
	}
	if got := fmt.Sprint(report.Of(check.Fail)); len(report.Of(check.Fail)) != 1 || !strings.Contains(got, "dlq.NOTIFY.>") || !strings.Contains(got, "init --create") {
		t.Errorf("report %+v does not tell of the dead letters", report)
	}
}

// A look changes nothing: it misses the consumer, unless the worker makes it,
// and asks whether dead letters can be written without writing any.
func TestInitLooks(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	cfg := b.config()
	if got := fmt.Sprint(b.init(t, cfg, sources.CheckOnly).Of(check.Fail)); !strings.Contains(got, "NATS_CREATE=true") {
		t.Errorf("wrong: %s", got)
	}
	cfg.Create = true
	report := b.init(t, cfg, sources.CheckOnly)
	if got := fmt.Sprint(report.Of(check.Warn)); report.ExitCode() != 0 || !strings.Contains(got, "the worker will create it") {
		t.Errorf("report %+v", report)
	}
	if _, err := b.Info(t.Context()); !errors.Is(err, jetstream.ErrConsumerNotFound) {
		t.Errorf("the look has made the consumer: %v", err)
	}
	if letters, err := b.DeadLetters(t.Context()); err != nil || len(letters) > 0 {
		t.Errorf("the look has written dead letters: %v, %v", letters, err)
	}
}

// The permissions of a worker are enough for a look, and what they do not show
// is no problem; that dead letters cannot be written is.
func TestInitLooksWithLeastPermissions(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		user    string
		letters bool
		want    string
	}{
		"enough":            {"w", true, ""},
		"no stream for dlq": {"w", false, "no stream captures the dead letters' subject dlq.NOTIFY.>"},
		"no permission":     {"m", true, `Permissions Violation for Publish to "dlq.NOTIFY.check"): allow the user to publish to dlq.NOTIFY.>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fewer := strings.Replace(natstest.Permissions, `, "dlq.NOTIFY.>"`, "", 1)
			b := connect(t, natstest.NewServer(t, fmt.Sprintf("authorization { users: [ { user: a, password: a }, { user: w, password: w, permissions: %s }, { user: m, password: m, permissions: %s } ] }", natstest.Permissions, fewer)), client.UserInfo("a", "a"))
			b.CreateStream(t)
			b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1})
			if c.letters {
				natstest.Must(t, b.CreateDeadLetters(t.Context()))
			}
			cfg := b.config()
			cfg.User, cfg.Password, cfg.InboxPrefix = c.user, natstest.Secret(c.user), "_INBOX_worker"
			report := b.init(t, cfg, sources.CheckOnly)
			wrong := report.Of(check.Fail)
			switch {
			case c.want == "" && len(wrong) > 0, c.want != "" && len(wrong) != 1:
				t.Errorf("report %+v", report)
			case c.want != "" && (report.ExitCode() != check.DeadLetters.ExitCode() || !strings.Contains(wrong[0], c.want)):
				t.Errorf("problem %q, want %q", wrong[0], c.want)
			}
			if got := fmt.Sprint(report.Of(check.Warn)); !strings.Contains(got, "not checked") {
				t.Errorf("notes %s", got)
			}
		})
	}
}

// Settings that defeat the promises are told, each by its name.
func TestInitProblems(t *testing.T) {
	t.Parallel()
	consumer := jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1000, AckWait: 30 * time.Second}
	stored := jetstream.StreamConfig{Name: natstest.Stream, Subjects: []string{"notify.>"}}
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
		_, err := b.JS.CreateStream(t.Context(), s)
		natstest.Must(t, err)
		b.CreateConsumer(t, c)
		report := b.init(t, b.config(), sources.CreateConsumer)
		if got := strings.Join(report.Of(check.Fail), "\n"); !strings.Contains(got, want) {
			t.Errorf("problems %q lack %q", got, want)
		}
	}
}

// What may be meant so is a note.
func TestInitNotes(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: natstest.Stream, Subjects: []string{"notify.>"}, Retention: jetstream.InterestPolicy, MaxAge: 700 * time.Hour})
	natstest.Must(t, err)
	b.CreateConsumer(t, jetstream.ConsumerConfig{
		Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1000, AckWait: time.Hour,
		DeliverPolicy: jetstream.DeliverNewPolicy, FilterSubject: "notify.a",
	})
	cfg := b.config()
	cfg.Subjects = []string{"notify.b"}
	got := strings.Join(b.init(t, cfg, sources.CreateConsumer).Of(check.Warn), "\n")
	for _, want := range []string{"retention is interest", "max_age is 700h", "ack_wait is 1h", "deliver_policy", `["notify.a"], NATS_SUBJECTS names ["notify.b"]`} {
		if !strings.Contains(got, want) {
			t.Errorf("notes %q lack %q", got, want)
		}
	}
}

// On a work queue the consumer cannot be created beside one that reads the same:
// check says so before anybody tries.
func TestInitWorkQueueConflict(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: natstest.Stream, Subjects: []string{"notify.>"}, Retention: jetstream.WorkQueuePolicy})
	natstest.Must(t, err)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: "other", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: "notify.a"})
	cfg := b.config()
	cfg.Create = true
	for subjects, conflict := range map[string]bool{"": true, "notify.a": true, "notify.b": false} {
		cfg.Subjects = nil
		if subjects != "" {
			cfg.Subjects = []string{subjects}
		}
		got := fmt.Sprint(b.init(t, cfg, sources.CheckOnly).Of(check.Fail))
		if strings.Contains(got, `its consumer "other" reads the same subjects`) != conflict {
			t.Errorf("subjects %q: %s", subjects, got)
		}
	}
}

// A consumer without a priority group gets one for the strict order, and nothing else
// of it is changed. check only says so.
func TestInitPins(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, AckWait: 20 * time.Second})
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	cfg := b.config()
	b.PublishNotes(t, 0, 2)
	shared := b.use(t, cfg)
	sourcetest.Ack(t, sourcetest.Next(t, shared, 2)...)
	b.Settles(t, 2)
	natstest.Must(t, shared.Close(t.Context()))
	cfg.Order = "strict"
	if got := fmt.Sprint(b.init(t, cfg, sources.CheckOnly).Of(check.Fail)); !strings.Contains(got, "NATS_ORDER is strict") || !strings.Contains(got, "run xmpp-notifier init") {
		t.Errorf("check: %s", got)
	}
	if report := b.init(t, cfg, sources.CreateConsumer); report.ExitCode() != 0 || !strings.Contains(fmt.Sprint(report.Of(check.OK)), "changed consumer") {
		t.Errorf("init: %+v", report)
	}
	info, err := b.Info(t.Context())
	natstest.Must(t, err)
	if c := info.Config; c.PriorityPolicy != jetstream.PriorityPolicyPinned || c.PinnedTTL != 30*time.Second || c.AckWait != 20*time.Second || info.AckFloor.Stream != 2 {
		t.Errorf("the consumer is %+v", info)
	}
	b.PublishNotes(t, 2, 3)
	sourcetest.Ack(t, sourcetest.Next(t, b.use(t, cfg), 1)...)
	if got := fmt.Sprint(b.init(t, b.config(), sources.CheckOnly).Of(check.Fail)); !strings.Contains(got, "set NATS_ORDER=strict") {
		t.Errorf("check without the setting: %s", got)
	}
}

// Consumers that the worker cannot use are told by check, too.
func TestInitUnusableConsumer(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{
		Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1,
		PriorityPolicy: jetstream.PriorityPolicyOverflow, PriorityGroups: []string{"g"},
	})
	if got := fmt.Sprint(b.init(t, b.config(), sources.CheckOnly).Of(check.Fail)); !strings.Contains(got, "without priority_groups") {
		t.Errorf("report: %s", got)
	}
}
