package worker_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

func TestAFloodOfBadMessagesIsNoFloodOfLogLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		r := &room{tape: &tape{}, answer: delivered, joined: make(chan struct{})}
		close(r.joined)
		w := worker.Worker{
			Room: r, Window: 2, Grace: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil)),
			Sources: []sources.Source{&source{tape: r.tape, bodies: strings.Split(strings.Repeat("{ ", 999)+"{", " ")}},
			Render:  func(e envelope.Envelope) string { return e.Subject },
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), "moved to the dead letters"); n != 1 {
			t.Errorf("%d lines", n)
		}
		if !strings.Contains(log.String(), "rejected=1000") {
			t.Errorf("the last line does not count them: %s", log.String())
		}
	})
}
