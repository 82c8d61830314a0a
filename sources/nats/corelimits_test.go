package nats_test

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

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// What has no room in memory is lost, and the operator is told how much.
func TestDropped(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	b.cfg.Buffer = 100
	book := b.keepLogs()
	src := b.useCore(t)
	const n = 1000
	for i := range n {
		must(t, b.Publish(t.Context(), note(i)))
	}
	eventually(t, "the source counts what it has lost", func() bool { return src.Status().Dropped > 0 && book.count("NATS_CORE_BUFFER") == 1 })
	received := 0
	eventually(t, "lost and received make all", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		batch, _ := src.Receive(ctx, n) // the context may end before anything is there
		ack(t, batch...)
		received += len(batch)
		return received+int(src.Status().Dropped) == n
	})
	must(t, src.Close(t.Context()))
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
	must(t, b.Publish(t.Context(), note(0), note(1), note(2)))
	held := take(t, first, 1)
	first.Stop()
	eventually(t, "what was not taken is answered with retry", func() bool { return len(b.told("retry")) == 2 })
	second := b.useCore(t)
	for i := range 20 {
		must(t, b.Publish(t.Context(), note(3+i)))
	}
	ack(t, take(t, second, 20)...)
	ack(t, held...) // the grace period
	must(t, first.Close(t.Context()))
	eventually(t, "all are answered", func() bool { return len(b.told("delivered")) == 21 })
}

// A publisher who gets no answer loses what the worker held: it is told.
func TestLossAtStopIsLogged(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	book := b.keepLogs()
	src := b.useCore(t)
	must(t, b.conn.Publish("core.a", note(1).Body))
	take(t, src, 1)
	must(t, src.Close(t.Context()))
	if book.count("notifications are lost with the stop") != 1 || book.count("count=1") != 1 {
		t.Errorf("the loss is not in the log:\n%s", book)
	}
}

// Without JetStream there are no dead letters: dropping is a choice.
func TestDropRejected(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	b.cfg.DropRejected = true
	src := b.useCore(t)
	must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte("{")}))
	d := take(t, src, 1)[0]
	must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
	eventually(t, "the publisher is told", func() bool { return len(b.told("rejected")) == 1 })
}

func TestCoreDeadLetter(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	must(t, b.CreateDeadLetters(t.Context()))
	src := b.useCore(t)
	must(t, b.Publish(t.Context(), sourcetest.Record{Body: []byte("{")}, sourcetest.Record{Body: []byte("{")}))
	for _, d := range take(t, src, 2) {
		must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
	}
	dlq, err := b.js.Stream(t.Context(), "DLQ")
	must(t, err)
	m, err := dlq.GetMsg(t.Context(), 2) // the same text is no reason to keep one only
	must(t, err)
	if m.Subject != "dlq.core.core.test" || m.Header.Get("x-dlq-source") != "nats-core" {
		t.Errorf("dead letter on %s with %v", m.Subject, m.Header)
	}
}

// A user without the right to subscribe is told so, and may be given it.
func TestSubscribeRefused(t *testing.T) {
	t.Parallel()
	const users = `authorization { users: [ { user: w, password: w, permissions: { subscribe: %s, publish: ">" } }, { user: a, password: a } ] }`
	srv := newServer(t, fmt.Sprintf(users, `["_INBOX.>"]`))
	b := &coreBroker{broker: connect(t, srv, client.UserInfo("a", "a"))}
	auth := common(srv.addr())
	auth.User, auth.Password = "w", secret("w")
	src, err := nats.OpenCore(auth, nats.CoreConfig{Subjects: []string{"core.>"}, Queue: "q", Buffer: 10}, slog.New(b.logs))
	must(t, err)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	fails(t, src, "may the user subscribe to NATS_CORE_SUBJECTS")
	srv.configure(t, fmt.Sprintf(users, `[">"]`))
	srv.reload(t)
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	var arrived atomic.Int64
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			batch, _ := src.Receive(ctx, 10)
			arrived.Add(int64(len(batch)))
		}
	})
	eventually(t, "what is published arrives", func() bool {
		return b.conn.Publish("core.a", note(1).Body) == nil && arrived.Load() > 0
	})
	cancel()
	wg.Wait()
}

func TestCoreValidate(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*nats.CoreConfig){
		"NATS_CORE_SUBJECTS is empty":      func(c *nats.CoreConfig) { c.Subjects = nil },
		`"a.>" and "a.b", which overlap`:   func(c *nats.CoreConfig) { c.Subjects = []string{"a.>", "a.b"} },
		`"a b", which is no subject`:       func(c *nats.CoreConfig) { c.Subjects = []string{"a b"} },
		`NATS_CORE_QUEUE "a b" is no name`: func(c *nats.CoreConfig) { c.Queue = "a b" },
		"NATS_CORE_BUFFER 0":               func(c *nats.CoreConfig) { c.Buffer = 0 },
	} {
		c := nats.CoreConfig{Subjects: []string{"core.>"}, Queue: "q", Buffer: 10}
		spoil(&c)
		if err := errors.Join(c.Validate()...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// InitCore finds or creates the place of the dead letters.
func TestInitCore(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	report := nats.InitCore(t.Context(), common(b.addr()), b.cfg, sources.Bind)
	if !strings.Contains(fmt.Sprint(report.Of(check.Fail)), "dlq.core.>") {
		t.Errorf("report %+v does not tell that dead letters have no place", report)
	}
	nats.InitCore(t.Context(), common(b.addr()), b.cfg, sources.Create)
	_, err := b.js.Stream(t.Context(), "core-dlq")
	must(t, err)
	if report = nats.InitCore(t.Context(), common(b.addr()), b.cfg, sources.Look); report.ExitCode() != 0 {
		t.Errorf("report %+v", report)
	}
}
