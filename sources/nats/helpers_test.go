package nats_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func secret(s string) config.Secret { return config.NewSecret(s) }

// ignore returns err unless it is the expected one.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// note is a well-formed notification.
func note(id int) sourcetest.Record {
	return sourcetest.Record{Body: fmt.Appendf(nil, `{"id":"%d","subject":"s","message":"m"}`, id)}
}

// publish stores the notifications from to to-1. The broker may just have been
// started.
func (b *broker) publish(t testing.TB, from, to int) {
	t.Helper()
	b.back(t)
	for i := from; i < to; i++ {
		must(t, b.Publish(t.Context(), note(i)))
	}
}

// use opens a source for the length of the test.
func (b *broker) use(t testing.TB, cfg settings) *nats.Source {
	t.Helper()
	src := b.open(t, cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = src.Close(ctx)
	})
	return src
}

// receive returns the next n deliveries, calling again after errors.
func receive(t testing.TB, src *nats.Source, n int) []*sources.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []*sources.Delivery
	var last error
	for len(all) < n {
		batch, err := src.Receive(ctx, n-len(all))
		all = append(all, batch...)
		if ctx.Err() != nil {
			t.Fatalf("received %d of %d; last error: %v", len(all), n, last)
		}
		if err != nil {
			last = err
			beat()
		}
	}
	return all
}

// background receives until the test ends, as a worker does, and passes on
// what comes.
func background(t testing.TB, src *nats.Source) <-chan []*sources.Delivery {
	ctx, cancel := context.WithCancel(t.Context())
	batches := make(chan []*sources.Delivery, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			batch, err := src.Receive(ctx, 10)
			if err != nil {
				beat()
				continue
			}
			batches <- batch
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return batches
}

// fails calls Receive until its error has all of the words.
func fails(t testing.TB, src sources.Source, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last error
	for {
		batch, err := src.Receive(ctx, 1)
		switch {
		case ctx.Err() != nil:
			t.Fatalf("no error with %q, the last one is %v", words, last)
		case err == nil:
			t.Fatalf("received %d deliveries, want an error", len(batch))
		}
		last = err
		missing := ""
		for _, word := range words {
			if !strings.Contains(err.Error(), word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		beat()
	}
}

func ack(t testing.TB, list ...*sources.Delivery) {
	t.Helper()
	for _, d := range list {
		must(t, d.Ack(func() {}))
	}
}

func reject(t testing.TB, d *sources.Delivery) {
	t.Helper()
	must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}))
}

// beat passes the time between two looks at a condition.
func beat() { <-time.After(10 * time.Millisecond) }

// settles waits until the broker's ack floor is n.
func (b *broker) settles(t testing.TB, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the ack floor is %d", n), func() bool {
		got, err := b.Settled(t.Context())
		return err == nil && got == n
	})
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); beat() {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// logBook keeps what the source logs.
type logBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logBook) count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

func (l *logBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// keepLogs lets the test read what sources that are opened from now on log.
func (b *broker) keepLogs() *logBook {
	book := &logBook{}
	b.logs = slog.NewTextHandler(book, nil)
	return book
}
