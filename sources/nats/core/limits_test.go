package core_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// What has no room in memory is lost, and the operator is told how much.
func TestDropped(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	b.cfg.Buffer = 100
	book := b.KeepLogs()
	src := b.useCore(t)
	const n = 1000
	for i := range n {
		natstest.Must(t, b.Publish(t.Context(), natstest.Note(i)))
	}
	sourcetest.Eventually(t, "the source counts what it has lost", func() bool { return src.Status().Dropped > 0 && book.Count("NATS_CORE_BUFFER") == 1 })
	received := 0
	sourcetest.Eventually(t, "lost and received make all", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		batch, _ := sourcetest.Receive(ctx, src, n) // the context may end before anything is there
		sourcetest.Ack(t, batch...)
		received += len(batch)
		return received+int(src.Status().Dropped) == n
	})
	natstest.Must(t, src.Close(t.Context()))
	if !strings.Contains(book.String(), fmt.Sprintf("total=%d", src.Status().Dropped)) {
		t.Errorf("the log does not tell the total of %d:\n%s", src.Status().Dropped, book)
	}
}

// A worker that stops sends away what it cannot finish, and leaves the group
// at once: what is published afterwards goes to the others.
func TestStopHandsOver(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	first := b.useCore(t)
	natstest.Must(t, b.Publish(t.Context(), natstest.Note(0), natstest.Note(1), natstest.Note(2)))
	held := take(t, first, 1)
	first.Stop()
	sourcetest.Eventually(t, "what was not taken is answered with retry", func() bool { return len(b.told("retry")) == 2 })
	second := b.useCore(t)
	for i := range 20 {
		natstest.Must(t, b.Publish(t.Context(), natstest.Note(3+i)))
	}
	sourcetest.Ack(t, take(t, second, 20)...)
	sourcetest.Ack(t, held...) // the grace period
	natstest.Must(t, first.Close(t.Context()))
	sourcetest.Eventually(t, "all are answered", func() bool { return len(b.told("delivered")) == 21 })
}

// A publisher who gets no answer loses what the worker held: it is told.
func TestLossAtStopIsLogged(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	book := b.KeepLogs()
	src := b.useCore(t)
	natstest.Must(t, b.Conn.Publish("core.a", natstest.Note(1).Body))
	take(t, src, 1)
	natstest.Must(t, src.Close(t.Context()))
	if book.Count("notifications were lost at the stop") != 1 || book.Count("count=1") != 1 {
		t.Errorf("the loss is not in the log:\n%s", book)
	}
}

// Without JetStream there are no dead letters: dropping is a choice.
func TestDropRejected(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	b.cfg.DropRejected = true
	src := b.useCore(t)
	natstest.Must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte("{}")}))
	d := take(t, src, 1)[0]
	natstest.Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
	sourcetest.Eventually(t, "the publisher is told", func() bool { return len(b.told("rejected")) == 1 })
}

func TestCoreDeadLetter(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	src := b.useCore(t)
	natstest.Must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte("{}")}, sourcetest.Record{Body: []byte("{}")}))
	for _, d := range take(t, src, 2) {
		natstest.Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
	}
	dlq, err := b.JS.Stream(t.Context(), "DLQ")
	natstest.Must(t, err)
	m, err := dlq.GetMsg(t.Context(), 2) // the same text is no reason to keep one only
	natstest.Must(t, err)
	if m.Subject != "dlq.core.core.test" || m.Header.Get("x-dlq-source") != "nats-core" {
		t.Errorf("dead letter on %s with %v", m.Subject, m.Header)
	}
}

// A user without the right to subscribe is told so, and may be given it.
func TestSubscribeRefused(t *testing.T) {
	t.Parallel()
	const users = `authorization { users: [ { user: w, password: w, permissions: { subscribe: %s, publish: ">" } }, { user: a, password: a } ] }`
	srv := natstest.NewServer(t, fmt.Sprintf(users, `["_INBOX.>"]`))
	b := &coreBroker{Broker: natstest.Connect(t, srv, client.UserInfo("a", "a"))}
	auth := natstest.Settings(srv.Addr())
	auth.User, auth.Password = "w", natstest.Secret("w")
	src, err := core.Open(auth, core.Config{Subjects: []string{"core.>"}, Queue: "q", Buffer: 10}, slog.New(b.Logs))
	natstest.Must(t, err)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	natstest.Fails(t, src, "may the user subscribe to NATS_CORE_SUBJECTS")
	srv.Configure(t, fmt.Sprintf(users, `[">"]`))
	srv.Reload(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var arrived atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			batch, _ := sourcetest.Receive(ctx, src, 10)
			arrived.Add(int64(len(batch)))
		}
	})
	sourcetest.Eventually(t, "what is published arrives", func() bool {
		return b.Conn.Publish("core.a", natstest.Note(1).Body) == nil && arrived.Load() > 0
	})
	cancel()
	wg.Wait()
}

func TestCoreValidate(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*core.Config){
		"NATS_CORE_SUBJECTS is empty":      func(c *core.Config) { c.Subjects = nil },
		`"a.>" and "a.b", which overlap`:   func(c *core.Config) { c.Subjects = []string{"a.>", "a.b"} },
		`"a b", which is no subject`:       func(c *core.Config) { c.Subjects = []string{"a b"} },
		`NATS_CORE_QUEUE "a b" is no name`: func(c *core.Config) { c.Queue = "a b" },
		"NATS_CORE_BUFFER 0":               func(c *core.Config) { c.Buffer = 0 },
	} {
		c := core.Config{Subjects: []string{"core.>"}, Queue: "q", Buffer: 10}
		spoil(&c)
		if err := errors.Join(c.Validate()...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestCoreStatus(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	src := b.useCore(t)
	stop := receiver(t, src)
	sourcetest.Eventually(t, "the source listens", func() bool { return src.Status().Receiving })
	b.Down(t)
	sourcetest.Eventually(t, "the status tells that the broker is away", func() bool { return !src.Status().Receiving })
	b.Up(t)
	sourcetest.Eventually(t, "the source listens again", func() bool { return src.Status().Receiving })
	stop()
}

// A batch keeps its bound in bytes also if most of it is headers.
func TestHeadersCountAsBytes(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	src := b.useCore(t)
	natstest.Must(t, b.Publish(t.Context(), natstest.Headers(100), natstest.Headers(100), natstest.Headers(100)))
	sourcetest.Eventually(t, "all have arrived", func() bool { return src.Status().Lag == 3 })
	natstest.KeepsLimit(t, src, 3, sources.Limit{Messages: 10, Bytes: 10_000})
}
