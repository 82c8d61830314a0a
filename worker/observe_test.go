package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// heard runs a worker and returns what its observer heard of each delivery, by
// its body, and of the source, by "".
func heard(t *testing.T, r *room, s *source) map[string][]worker.Event {
	t.Helper()
	var mu sync.Mutex
	events := map[string][]worker.Event{}
	r.tape = &tape{}
	s.tape = r.tape
	r.joined = make(chan struct{})
	close(r.joined)
	w := worker.Worker{
		Room: r, Sources: []sources.Source{s}, MaxInFlight: 2, Grace: 10 * time.Second, Log: slog.New(slog.DiscardHandler),
		Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }, Filter: hide},
		Observe: func(e worker.Event) {
			body := ""
			if e.Delivery != nil {
				body = string(e.Delivery.Body)
			}
			if e.Source != "test" {
				t.Errorf("an event of the source %q", e.Source)
			}
			mu.Lock()
			defer mu.Unlock()
			events[body] = append(events[body], e)
		},
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := w.Run(ctx); err != nil {
		t.Error(err)
	}
	return events
}

// hide hides what says so.
func hide(e *envelope.Envelope) string {
	if e.Subject == "hidden" {
		return "it says so"
	}
	return ""
}

func kinds(events []worker.Event) []worker.EventKind {
	var list []worker.EventKind
	for _, e := range events {
		list = append(list, e.Kind)
	}
	return list
}

func TestObserverHearsWhatBecomesOfDeliveries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answers := map[string]sink.Result{
			"shown":    {Outcome: sink.Delivered, Took: time.Second},
			"repeated": {Outcome: sink.Suppressed},
			"refused":  {Outcome: sink.Rejected, Err: errors.New("too rude")},
			"dropped":  {Outcome: sink.Dropped},
		}
		bodies := []string{"{}"}
		for _, name := range []string{"shown", "repeated", "refused", "dropped", "hidden"} {
			bodies = append(bodies, `{"subject":"`+name+`"}`)
		}
		got := heard(t, &room{answer: func(body string) sink.Result { return answers[body] }}, &source{bodies: bodies, fail: 2, rejects: 1})
		for body, want := range map[string][]worker.EventKind{
			"{}":                     {worker.Received, worker.Failed, worker.Failing, worker.DeadLettered},
			`{"subject":"shown"}`:    {worker.Received, worker.Delivered, worker.Acked},
			`{"subject":"repeated"}`: {worker.Received, worker.Suppressed, worker.Acked},
			`{"subject":"refused"}`:  {worker.Received, worker.Failed, worker.DeadLettered},
			`{"subject":"dropped"}`:  {worker.Received, worker.Released},
			`{"subject":"hidden"}`:   {worker.Received, worker.Filtered, worker.Acked},
			"":                       {worker.Failing, worker.Failing, worker.Recovered, worker.Recovered},
		} {
			if !slices.Equal(kinds(got[body]), want) {
				t.Errorf("%q: heard %v, want %v", body, kinds(got[body]), want)
			}
		}
		shown := got[`{"subject":"shown"}`][1]
		if shown.Took != time.Second || shown.Delivery.Received.IsZero() {
			t.Errorf("got %+v", shown)
		}
		if reason := got["{}"][1].Reason; reason.Code != sources.ReasonDecode || reason.Err == nil {
			t.Errorf("got %+v", reason)
		}
		if e := got[""][0]; e.Doing != worker.Receiving || e.Err == nil {
			t.Errorf("got %+v", e)
		}
	})
}

// What an observer writes down is there before the broker is told, so nothing is
// acknowledged that was not written down.
func TestObserverHearsBeforeTheBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := &tape{}
		r := &room{tape: got, answer: delivered, joined: make(chan struct{})}
		close(r.joined)
		s := &source{tape: got, bodies: []string{batch("1", "hidden", "3"), `{"a":`}}
		w := worker.Worker{
			Room: r, Sources: []sources.Source{s}, MaxInFlight: 2, Grace: 10 * time.Second, Log: slog.New(slog.DiscardHandler),
			Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }, Filter: hide},
			Observe: func(e worker.Event) {
				for _, part := range e.Parts {
					got.add("told %d %s", e.Kind, e.Delivery.Envelopes[part].ID)
				}
				if e.Kind == worker.Failed {
					got.add("told %d %s", e.Kind, e.Delivery.Body)
				}
			},
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
		for told, settled := range map[string]string{
			fmt.Sprintf("told %d 1", worker.Delivered):     "ack " + batch("1", "hidden", "3"),
			fmt.Sprintf("told %d 3", worker.Delivered):     "ack " + batch("1", "hidden", "3"),
			fmt.Sprintf("told %d hidden", worker.Filtered): "ack " + batch("1", "hidden", "3"),
			fmt.Sprintf(`told %d {"a":`, worker.Failed):    `reject {"a":: decode`,
		} {
			if i, j := slices.Index(got.events, told), slices.Index(got.events, settled); i < 0 || j < i {
				t.Errorf("%q is not told before %q: %q", told, settled, got.events)
			}
		}
	})
}
