package worker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// TestAFloodOfBadMessagesIsNoFloodOfLines: each is logged at level debug, and
// one in ten seconds stands out. The room takes a second for two messages.
func TestAFloodOfBadMessagesIsNoFloodOfLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const flood = 1000
		s := &source{}
		for i := range flood {
			s.bodies = append(s.bodies, "{}", title(i))
		}
		refuse := func(string) sink.Result { return sink.Result{Outcome: sink.Rejected, Err: errors.New("too rude")} }
		r := &room{answer: refuse, tape: &tape{}, joined: make(chan struct{})}
		close(r.joined)
		s.tape = r.tape
		var log bytes.Buffer
		w := worker.Worker{
			Room: r, Sources: []sources.Source{s}, MaxInFlight: 2, Grace: 10 * time.Second,
			Log:   slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
			Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }},
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		all, loud := bytes.Count(log.Bytes(), []byte("\n")), bytes.Count(log.Bytes(), []byte("level=WARN"))
		if loud == 0 || loud > flood/20+1 || all < 2*flood {
			t.Errorf("%d lines, %d of them warnings, about %d bad messages\n%s", all, loud, 2*flood, fmt.Sprintf("%.2000s", log.String()))
		}
		if !bytes.Contains(log.Bytes(), fmt.Appendf(nil, "dead_lettered=%d", 2*flood)) {
			t.Error("the last line does not count them")
		}
	})
}
