package natstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// Must ends the test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Secret is s.
func Secret(s string) config.Secret { return config.NewSecret(s) }

// ignore returns err unless it is the expected one.
func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}

// Note is a well-formed notification.
func Note(id int) sourcetest.Record {
	return sourcetest.Record{Body: fmt.Appendf(nil, `{"id":"%d","subject":"s","message":"m"}`, id)}
}

// PublishNotes stores the notifications from to to-1. The broker may just have been
// started.
func (b *Broker) PublishNotes(t testing.TB, from, to int) {
	t.Helper()
	b.Back(t)
	for i := from; i < to; i++ {
		Must(t, b.Publish(t.Context(), Note(i)))
	}
}

// Background receives until the test ends, as a worker does, and passes on
// what comes.
func Background(t testing.TB, src sources.Source) <-chan []*sources.Delivery {
	ctx, cancel := context.WithCancel(t.Context())
	batches := make(chan []*sources.Delivery, 100)
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			batch, err := sourcetest.Receive(ctx, src, 10)
			if err != nil {
				sourcetest.Beat()
				continue
			}
			batches <- batch
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return batches
}

// Fails calls Receive until its error has all of the words.
func Fails(t testing.TB, src sources.Source, words ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	var last error
	for {
		batch, err := sourcetest.Receive(ctx, src, 1)
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
		sourcetest.Beat()
	}
}

// Reject rejects a delivery.
func Reject(t testing.TB, d *sources.Delivery) {
	t.Helper()
	Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}))
}

// Settles waits until the broker's ack floor is n.
func (b *Broker) Settles(t testing.TB, n int) {
	t.Helper()
	sourcetest.Eventually(t, fmt.Sprintf("the ack floor is %d", n), func() bool {
		got, err := b.Settled(t.Context())
		return err == nil && got == n
	})
}

// LogBook keeps what the source logs.
type LogBook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write keeps a line.
func (l *LogBook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// Count says how often the words were logged.
func (l *LogBook) Count(words string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), words)
}

// String is all that was logged.
func (l *LogBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// KeepLogs lets the test read what sources that are opened from now on log.
func (b *Broker) KeepLogs() *LogBook {
	book := &LogBook{}
	b.Logs = slog.NewTextHandler(book, nil)
	return book
}

// Settings are those for a server at addr.
func Settings(addr string) nats.Settings {
	return nats.Settings{URLs: []string{"nats://" + addr}, DLQSubject: "dlq", InboxPrefix: "_INBOX"}
}

// Headers is a notification with n short headers.
func Headers(n int) sourcetest.Record {
	r := Note(n)
	for i := range n {
		r.Header = append(r.Header, envelope.Header{Key: fmt.Sprintf("h%d", i), Value: "v"})
	}
	return r
}

// KeepsLimit receives n messages, and fails the test if a batch of several has
// more bytes than the limit.
func KeepsLimit(t testing.TB, src sources.Source, n int, limit sources.Limit) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	for got := 0; got < n; {
		batch, err := src.Receive(ctx, limit)
		Must(t, err)
		size := 0
		for _, d := range batch {
			size += d.Size()
		}
		if len(batch) > 1 && size > limit.Bytes {
			t.Errorf("%d messages of %d bytes, want %d at most", len(batch), size, limit.Bytes)
		}
		sourcetest.Ack(t, batch...)
		got += len(batch)
	}
}
