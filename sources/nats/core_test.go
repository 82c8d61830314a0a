package nats_test

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
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// coreBroker is a broker whose publishers ask for an answer, without JetStream
// for the notifications.
type coreBroker struct {
	*broker
	cfg nats.CoreConfig

	mu      sync.Mutex
	answers []answer
}

// answer is what a publisher gets.
type answer struct{ Status, ID, Reason, Error string }

var _ sourcetest.Restarter = (*coreBroker)(nil)

func newCore(t testing.TB) *coreBroker {
	t.Helper()
	b := &coreBroker{broker: startServer(t), cfg: nats.CoreConfig{
		Subjects: []string{"core.>"}, Queue: "xmpp-notifier", Buffer: 10_000, Reply: true,
	}}
	_, err := b.conn.Subscribe("answers", b.note)
	must(t, err)
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
		m := message("core", r)
		m.Reply = "answers"
		if err := b.conn.PublishMsg(m); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.conn.FlushWithContext(ctx)
}

func (b *coreBroker) Open(t *testing.T) sources.Source { t.Helper(); return b.listen(t) }

func (b *coreBroker) listen(t testing.TB) *nats.Core {
	t.Helper()
	src, err := nats.OpenCore(common(b.addr()), b.cfg, slog.New(b.logs))
	must(t, err)
	return src
}

// useCore opens a source for the length of the test.
func (b *coreBroker) useCore(t testing.TB) *nats.Core {
	t.Helper()
	src := b.listen(t)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	return src
}

func (b *coreBroker) Settled(context.Context) (int, error) {
	return len(b.told("delivered")) + len(b.told("rejected")), nil
}

func (b *coreBroker) Features() sourcetest.Features {
	return sourcetest.Features{Lease: ackWait, PerMessage: true, AtMostOnce: true}
}

func TestCoreConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Broker { t.Helper(); return newCore(t) })
}

func take(t testing.TB, src sources.Source, n int) []*sources.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []*sources.Delivery
	for len(all) < n {
		batch, err := src.Receive(ctx, n-len(all))
		must(t, err)
		all = append(all, batch...)
	}
	return all
}

// Publishers learn what became of their notification, and which one is meant.
func TestAnswers(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	must(t, b.CreateDeadLetters(t.Context()))
	src := b.useCore(t)
	must(t, b.Publish(t.Context(), note(1), note(2), note(3), sourcetest.Record{Body: []byte("{")}))
	got := take(t, src, 4)
	must(t, got[0].Ack(func() {}))
	must(t, got[1].Release(0))
	must(t, got[2].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected, Err: errors.New("too big")}))
	must(t, got[3].Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: got[3].Malformed}))
	eventually(t, "all are answered", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.answers) == 4 })
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
	background := receiver(t, b.useCore(t))
	m, err := b.conn.RequestWithContext(t.Context(), "core.a", note(7).Body)
	must(t, err)
	if got := string(m.Data); got != `{"status":"delivered","id":"7"}` {
		t.Errorf("answer %s", got)
	}
	background()
}

// receiver acknowledges everything until the function it returns is called.
func receiver(t testing.TB, src sources.Source) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			batch, _ := src.Receive(ctx, 10)
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
		{"elsewhere", false},
	} {
		b := newCore(t)
		b.cfg.Reply = test.on
		src := b.useCore(t)
		spy, err := b.conn.SubscribeSync(test.reply)
		must(t, err)
		must(t, b.conn.PublishRequest("core.a", test.reply, note(1).Body))
		ack(t, take(t, src, 1)...)
		must(t, src.Close(t.Context())) // it has sent whatever it sends
		must(t, b.conn.Flush())
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
	b.createStream(t)
	b.cfg.Subjects = []string{"core.pushed"} // such a consumer asks for exactly this interest
	src := b.useCore(t)
	js, err := b.conn.JetStream()
	must(t, err)
	_, err = js.AddConsumer(stream, &client.ConsumerConfig{Durable: "push", DeliverSubject: "core.pushed", DeliverGroup: "xmpp-notifier", AckPolicy: client.AckExplicitPolicy})
	must(t, err)
	spy, err := b.conn.SubscribeSync("$JS.ACK.>")
	must(t, err)
	b.publish(t, 1, 2)
	ack(t, take(t, src, 1)...)
	must(t, src.Close(t.Context()))
	must(t, b.conn.Flush())
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
		must(t, b.Publish(t.Context(), plain))
	}
	var mu sync.Mutex
	for _, src := range []*nats.Core{first, second} {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				batch, _ := src.Receive(ctx, 5)
				mu.Lock()
				for _, d := range batch {
					seen[d.Identity()] = true
				}
				mu.Unlock()
			}
		})
		t.Cleanup(func() { cancel(); wg.Wait() })
	}
	eventually(t, "20 different identities are there", func() bool { mu.Lock(); defer mu.Unlock(); return len(seen) == 20 })
}
