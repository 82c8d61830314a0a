package core_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// coreBroker is a broker whose publishers ask for an answer, without JetStream
// for the notifications.
type coreBroker struct {
	*natstest.Broker
	cfg core.Config

	mu      sync.Mutex
	answers []answer
}

// answer is what a publisher gets.
type answer struct{ Status, ID, Reason, Error string }

var _ sourcetest.Restarter = (*coreBroker)(nil)

func newCore(t testing.TB) *coreBroker {
	t.Helper()
	b := &coreBroker{Broker: natstest.StartServer(t), cfg: core.Config{
		Subjects: []string{"core.>"}, Queue: "xmpp-notifier", Buffer: 10_000, Reply: true, ReplyTo: []string{"answers", "_INBOX.>"},
	}}
	_, err := b.Conn.Subscribe("answers", b.note)
	natstest.Must(t, err)
	return b
}

// note keeps an answer.
func (b *coreBroker) note(m *client.Msg) {
	var a answer
	if err := json.Unmarshal(m.Data, &a); err != nil {
		a.Status = "not JSON: " + err.Error()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, a)
}

// told lists the answers with a status.
func (b *coreBroker) told(status string) []answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []answer
	for _, a := range b.answers {
		if a.Status == status {
			list = append(list, a)
		}
	}
	return list
}

// Publish asks for an answer to each record.
func (b *coreBroker) Publish(ctx context.Context, records ...sourcetest.Record) error {
	for _, r := range records {
		m := natstest.Message("core", r)
		m.Reply = "answers"
		if err := b.Conn.PublishMsg(m); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, sourcetest.Patience)
	defer cancel()
	return b.Conn.FlushWithContext(ctx)
}

func (b *coreBroker) Open(t *testing.T) sources.Source { t.Helper(); return b.listen(t) }

func (b *coreBroker) listen(t testing.TB) *core.Source {
	t.Helper()
	src, err := core.Open(natstest.Settings(b.Addr()), b.cfg, slog.New(b.Logs))
	natstest.Must(t, err)
	return src
}

// useCore opens a source for the length of the test.
func (b *coreBroker) useCore(t testing.TB) *core.Source {
	t.Helper()
	src := b.listen(t)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	return src
}

func (b *coreBroker) Settled(context.Context) (int, error) {
	return len(b.told("delivered")) + len(b.told("rejected")), nil
}

func (b *coreBroker) Features() sourcetest.Features {
	return sourcetest.Features{Lease: natstest.AckWait, PerMessage: true, AtMostOnce: true}
}

func TestCoreConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Broker { t.Helper(); return newCore(t) })
}

func take(t testing.TB, src sources.Source, n int) []*sources.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	var all []*sources.Delivery
	for len(all) < n {
		batch, err := sourcetest.Receive(ctx, src, n-len(all))
		natstest.Must(t, err)
		all = append(all, batch...)
	}
	return all
}

// Publishers learn what became of their notification, and which one is meant.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	src := b.useCore(t)
	natstest.Must(t, b.Publish(t.Context(), natstest.Note(1), natstest.Note(2), natstest.Note(3), sourcetest.Record{Body: []byte("{}")}))
	got := take(t, src, 4)
	natstest.Must(t, got[0].Ack(func() {}))
	natstest.Must(t, got[1].Release(0))
	natstest.Must(t, got[2].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected, Err: errors.New("too big")}))
	natstest.Must(t, got[3].Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: got[3].Malformed}))
	sourcetest.Eventually(t, "all are answered", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.answers) == 4 })
	for status, want := range map[string]string{
		"delivered": "[{delivered 1  }]", "retry": "[{retry 2  }]",
		"rejected": fmt.Sprintf("[{rejected 3 rejected too big} {rejected  decode %v}]", got[3].Malformed),
	} {
		if got := fmt.Sprint(b.told(status)); got != want {
			t.Errorf("answers %s, want %s", got, want)
		}
	}
}

// Whoever publishes with a request waits for the answer, and gets one.
func TestRequest(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	stop := receiver(t, b.useCore(t))
	m, err := b.Conn.RequestWithContext(t.Context(), "core.a", natstest.Note(7).Body)
	natstest.Must(t, err)
	if got := string(m.Data); got != `{"status":"delivered","id":"7"}` {
		t.Errorf("answer %s", got)
	}
	stop()
}

// receiver acknowledges everything until the function it returns is called.
func receiver(t testing.TB, src sources.Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			batch, _ := sourcetest.Receive(ctx, src, 10)
			for _, d := range batch {
				_ = d.Ack(func() {})
			}
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

// Nothing is sent to the subjects of the broker, to our own, or to anybody
// unless it was asked for.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reply string
		on    bool
	}{
		{"$KV.bucket.key", true},
		{"core.again", true},
		{"dlq.NOTIFY.notify.a", true},
		{"notify.of-a-stream", true},
		{"answers", false},
	} {
		b := newCore(t)
		b.cfg.Reply = test.on
		src := b.useCore(t)
		spy, err := b.Conn.SubscribeSync(test.reply)
		natstest.Must(t, err)
		natstest.Must(t, b.Conn.PublishRequest("core.a", test.reply, natstest.Note(1).Body))
		sourcetest.Ack(t, take(t, src, 1)...)
		natstest.Must(t, src.Close(t.Context())) // it has sent whatever it sends
		natstest.Must(t, b.Conn.Flush())
		if n, _, _ := spy.Pending(); n > 0 {
			t.Errorf("%d messages to %s", n, test.reply)
		}
	}
}

// A push consumer of JetStream delivers to one of our subjects. An answer to
// its reply subject would acknowledge on behalf of whoever it is meant for.
func TestNoAnswerToJetStream(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	b.CreateStream(t)
	b.cfg.Subjects = []string{"core.pushed"} // such a consumer asks for exactly this interest
	src := b.useCore(t)
	js, err := b.Conn.JetStream()
	natstest.Must(t, err)
	_, err = js.AddConsumer(natstest.Stream, &client.ConsumerConfig{Durable: "push", DeliverSubject: "core.pushed", DeliverGroup: "xmpp-notifier", AckPolicy: client.AckExplicitPolicy})
	natstest.Must(t, err)
	spy, err := b.Conn.SubscribeSync("$JS.ACK.>")
	natstest.Must(t, err)
	b.PublishNotes(t, 1, 2)
	sourcetest.Ack(t, take(t, src, 1)...)
	natstest.Must(t, src.Close(t.Context()))
	natstest.Must(t, b.Conn.Flush())
	if n, _, _ := spy.Pending(); n > 0 {
		t.Errorf("%d answers to JetStream", n)
	}
}

// Messages without an id are all different, whoever receives them.
func TestCoreIdentity(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	first, second := b.useCore(t), b.useCore(t)
	plain := sourcetest.Record{Body: []byte(`{"subject":"s"}`)}
	seen := map[string]bool{}
	for range 20 {
		natstest.Must(t, b.Publish(t.Context(), plain))
	}
	var mu sync.Mutex
	for _, src := range []*core.Source{first, second} {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				batch, _ := sourcetest.Receive(ctx, src, 5)
				mu.Lock()
				for _, d := range batch {
					seen[d.Identity()] = true
				}
				mu.Unlock()
			}
		})
		t.Cleanup(func() { cancel(); wg.Wait() })
	}
	sourcetest.Eventually(t, "20 different identities are there", func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) == 20 })
}
