package worker_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// recordingRoom is a room that notes what it is given.
type recordingRoom struct {
	*room
	mu       sync.Mutex
	messages []sink.Message
}

func (l *recordingRoom) Submit(ctx context.Context, m sink.Message) error {
	l.mu.Lock()
	l.messages = append(l.messages, m)
	l.mu.Unlock()
	return l.room.Submit(ctx, m)
}

// relations says of each message which one it corrects or accompanies.
func (l *recordingRoom) relations() []string {
	texts := map[string]string{}
	var list []string
	for _, m := range l.messages {
		texts[m.Identity] = m.Body
		switch {
		case m.Corrects != "":
			list = append(list, fmt.Sprintf("%s corrects %s", m.Body, texts[m.Corrects]))
		case m.Accompanies != "":
			list = append(list, fmt.Sprintf("%s accompanies %s", m.Body, texts[m.Accompanies]))
		default:
			list = append(list, m.Body)
		}
	}
	return list
}

// resolve runs a worker with a value of RESOLVED, and returns its room and the events.
func resolve(mode string, bodies ...string) (*recordingRoom, []worker.Event) {
	joined := make(chan struct{})
	close(joined)
	l := &recordingRoom{room: &room{tape: &tape{}, joined: joined, answer: delivered, historyDepth: 20}}
	var mu sync.Mutex
	var events []worker.Event
	w := worker.Worker{
		Room: l, Sources: []sources.Source{&source{tape: l.tape, bodies: bodies}}, MaxInFlight: 5, Grace: time.Second,
		Log: slog.New(slog.DiscardHandler), Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject + " " + string(e.State) }},
		Corrections: worker.Corrections{
			CorrectionConfig: worker.CorrectionConfig{Resolved: mode},
			Line:             func(e envelope.Envelope) string { return "line of " + e.Subject },
		},
		Observe: func(e worker.Event) {
			mu.Lock()
			defer mu.Unlock()
			events = append(events, e)
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := w.Run(ctx); err != nil {
		l.add("error %v", err)
	}
	return l, events
}

const (
	firing   = `{"alerts":[{"status":"firing","fingerprint":"f","startsAt":"2026-03-29T10:00:00Z","labels":{"alertname":"Disk"}}],"receiver":"r"}`
	resolved = `{"alerts":[{"status":"resolved","fingerprint":"f","startsAt":"2026-03-29T10:00:00Z","endsAt":"2026-03-29T10:12:00Z",` +
		`"labels":{"alertname":"Disk"}}],"receiver":"r"}`
)

func TestRecoveriesCorrectAlarms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for mode, want := range map[string][]string{
			"message": {"Disk firing", "Disk resolved"},
			"edit":    {"Disk firing", "Disk resolved corrects Disk firing"},
			"both":    {"Disk firing", "Disk resolved corrects Disk firing", "line of Disk accompanies Disk resolved"},
		} {
			l, events := resolve(mode, firing, resolved)
			if got := l.relations(); !slices.Equal(got, want) {
				t.Errorf("%s: %q", mode, got)
			}
			count := map[worker.EventKind]int{}
			for _, e := range events {
				count[e.Kind]++
			}
			if count[worker.Delivered] != 2 || count[worker.Acked] != 2 {
				t.Errorf("%s: events %v", mode, count)
			}
		}
	})
}

// A publisher names what ends, or what a later one supersedes. What may need somebody
// is never an edit, and there is no line for what has not ended.
func TestWhatFollowsCorrects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := resolve("both",
			`{"id":"1","source":"s","subject":"deploy 10 %","severity":"info"}`,
			`{"id":"2","source":"s","follows":"1","subject":"deploy 90 %","severity":"info"}`,
			`{"id":"3","source":"s","follows":"2","subject":"deploy hangs","severity":"warning"}`,
			`{"id":"4","source":"s","follows":"3","subject":"deploy","state":"resolved","severity":"warning"}`,
			`{"id":"5","source":"other","follows":"3","subject":"of another","state":"resolved"}`,
		)
		want := []string{
			"deploy 10 % ", "deploy 90 %  corrects deploy 10 % ", "deploy hangs ", "deploy resolved corrects deploy hangs ",
			"line of deploy accompanies deploy resolved", "of another resolved corrects ", "line of of another accompanies of another resolved",
		}
		if got := l.relations(); !slices.Equal(got, want) {
			t.Errorf("%q", got)
		}
	})
}

// A delivery is acknowledged when the line beside the correction was shown as well.
func TestADeliveryWaitsForTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		joined := make(chan struct{})
		close(joined)
		r := &room{joined: joined, historyDepth: 20, answer: func(body string) sink.Result {
			if strings.HasPrefix(body, "line") {
				time.Sleep(time.Minute)
			}
			return delivered(body)
		}}
		r.tape = &tape{}
		l := &recordingRoom{room: r}
		begun := time.Now()
		var mu sync.Mutex
		var acked []time.Duration
		w := worker.Worker{
			Room: l, Sources: []sources.Source{&source{tape: r.tape, bodies: []string{firing, resolved}}}, MaxInFlight: 5, Grace: time.Second,
			Log: slog.New(slog.DiscardHandler), Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }},
			Corrections: worker.Corrections{
				CorrectionConfig: worker.CorrectionConfig{Resolved: "both"}, Line: func(envelope.Envelope) string { return "line" },
			},
			Observe: func(e worker.Event) {
				mu.Lock()
				defer mu.Unlock()
				if e.Kind == worker.Acked {
					acked = append(acked, time.Since(begun))
				}
			},
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		if !slices.Equal(acked, []time.Duration{time.Second, time.Second + time.Minute}) {
			t.Errorf("acknowledged after %v", acked)
		}
	})
}
