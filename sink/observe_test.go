package sink_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// witness collects the events of a room.
type witness struct {
	*sink.Room
	t      *testing.T
	events chan sink.Event
}

// observed runs a room that is observed from the beginning.
func observed(t *testing.T, cfg sink.Config) *witness {
	t.Helper()
	room, err := sink.New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{room, t, make(chan sink.Event, 1000)}
	room.Observe(func(e sink.Event) { w.events <- e })
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return w
}

// next waits for an event of a kind.
func (w *witness) next(kind sink.EventKind) sink.Event {
	w.t.Helper()
	limit := time.After(patience)
	for {
		select {
		case e := <-w.events:
			if e.Kind == kind {
				return e
			}
		case <-limit:
			w.t.Fatalf("no event of kind %d", kind)
		}
	}
}

func TestObserverHearsWhyStaysEnd(t *testing.T) {
	forbidden := sinktest.StanzaError{Type: "auth", Condition: "forbidden"}
	for reason, spoil := range map[string]func(*sinktest.Server){
		"removed": func(s *sinktest.Server) { s.Kick("notifier", 307) },
		"closed":  func(s *sinktest.Server) { s.CloseStreams() },
		"network": func(s *sinktest.Server) { s.DropConnections() },
		"silent":  func(s *sinktest.Server) { s.Freeze() },
	} {
		t.Run(reason, func(t *testing.T) {
			srv := startServer(t, sinktest.Config{})
			cfg := settings(t, srv)
			if reason == "silent" {
				cfg = impatient(cfg)
			}
			w := observed(t, cfg)
			w.next(sink.Connected)
			if e := w.next(sink.Joined); e.Session.Occupant != srv.RoomJID()+"/notifier" {
				t.Errorf("joined as %q", e.Session.Occupant)
			}
			spoil(srv)
			e := w.next(sink.Left)
			if got := sink.Reason(e.Err); got != reason || e.InRoom <= 0 {
				t.Errorf("left after %s because of %q: %v", e.InRoom, got, e.Err)
			}
			if removal, removed := errors.AsType[*sink.RemovedError](e.Err); removed && removal.Code != 307 {
				t.Errorf("removed with code %d", removal.Code)
			}
		})
	}
	for reason, spoil := range map[string]func(*sinktest.Server, *sink.Config){
		"login":   func(_ *sinktest.Server, c *sink.Config) { c.Password = config.NewSecret("wrong") },
		"join":    func(s *sinktest.Server, _ *sink.Config) { s.RefuseJoins(forbidden, -1) },
		"tls":     func(_ *sinktest.Server, c *sink.Config) { c.CAFile = "" },
		"network": func(s *sinktest.Server, _ *sink.Config) { s.Stop() },
	} {
		t.Run(reason+" from the start", func(t *testing.T) {
			srv := startServer(t, sinktest.Config{})
			cfg := settings(t, srv)
			spoil(srv, &cfg)
			if e := observed(t, cfg).next(sink.Left); sink.Reason(e.Err) != reason || e.InRoom != 0 {
				t.Errorf("left after %s because of %q: %v", e.InRoom, sink.Reason(e.Err), e.Err)
			}
		})
	}
}

func TestReasonsAreAllListed(t *testing.T) {
	for _, err := range []error{errors.New("?"), context.DeadlineExceeded, &sink.Condition{Name: "x"}, &sink.RemovedError{}, &sink.Error{Op: "post to x"}} {
		if reason := sink.Reason(err); !slices.Contains(sink.Reasons(), reason) {
			t.Errorf("%q is not listed", reason)
		}
	}
}

// A bounce that asks us to wait is no reason to leave the room.
func TestWaitIsNoReasonToLeave(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.Bounce(sinktest.StanzaError{Type: "wait", Condition: "resource-constraint"}, 1)
	w := observed(t, settings(t, srv))
	w.next(sink.Joined)
	done := make(chan sink.Result, 1)
	if err := w.Submit(t.Context(), sink.Message{Body: "hello", Done: func(r sink.Result) { done <- r }}); err != nil {
		t.Fatal(err)
	}
	if e := w.next(sink.Limited); !strings.Contains(e.Err.Error(), "resource-constraint") {
		t.Errorf("got %v", e.Err)
	}
	if r := <-done; r.Outcome != sink.Delivered {
		t.Errorf("got %+v", r)
	}
	if _, _, limited := w.Pace(); !limited {
		t.Error("the pace is what it was")
	}
	if n := srv.Stats().Connections; n != 1 {
		t.Errorf("it took %d connections", n)
	}
}

func TestObserverHearsOfBounces(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	srv.Bounce(sinktest.StanzaError{Type: "cancel", Condition: "internal-server-error"}, 1)
	w := observed(t, settings(t, srv))
	w.next(sink.Joined)
	done := make(chan sink.Result, 1)
	if err := w.Submit(t.Context(), sink.Message{Body: "hello", Done: func(r sink.Result) { done <- r }}); err != nil {
		t.Fatal(err)
	}
	if e := w.next(sink.Bounced); !strings.Contains(e.Err.Error(), "internal-server-error") {
		t.Errorf("got %v", e.Err)
	}
	if e := w.next(sink.Left); sink.Reason(e.Err) != "bounced" {
		t.Errorf("got %v", e.Err)
	}
	if r := <-done; r.Outcome != sink.Delivered || r.Took <= 0 || r.Took > patience {
		t.Errorf("got %+v", r)
	}
}

// What a server that was killed has shown last it may have forgotten, also if it
// keeps an archive: what is sent again may come twice. A broken connection alone
// is no reason to repeat.
func TestWhatIsSentAgainIsDoubtfulAfterARestart(t *testing.T) {
	for name, tc := range map[string]struct {
		fault func(*sinktest.Server) error
		want  int
	}{
		"connection broken": {func(s *sinktest.Server) error { s.DropConnections(); return nil }, 0},
		"server killed":     {(*sinktest.Server).Restart, 1},
	} {
		t.Run(name, func(t *testing.T) {
			srv := startServer(t, sinktest.Config{KeepHistory: true})
			w := observed(t, settings(t, srv))
			w.next(sink.Joined)
			done := make(chan sink.Result, 1)
			post := func(body string) {
				if err := w.Submit(t.Context(), sink.Message{Body: body, Done: func(r sink.Result) { done <- r }}); err != nil {
					t.Fatal(err)
				}
			}
			post("shown")
			<-done
			srv.LoseNext(1)
			post("lost")
			if err := srv.Wait(t.Context(), func() bool { return srv.Stats().Lost == 1 }); err != nil {
				t.Fatal(err)
			}
			if err := tc.fault(srv); err != nil {
				t.Fatal(err)
			}
			if e := w.next(sink.Resent); e.Resent != 1 || e.PossibleDuplicates != tc.want {
				t.Errorf("%d sent again, %d of them possible duplicates, want %d", e.Resent, e.PossibleDuplicates, tc.want)
			}
			<-done
		})
	}
}

func TestInFlightTellsWhatTheRoomOwes(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	cfg := settings(t, srv)
	cfg.StallTimeout = patience
	w := observed(t, cfg)
	w.next(sink.Joined)
	srv.HoldReflections()
	done := make(chan sink.Result, 3)
	for range cap(done) {
		if err := w.Submit(t.Context(), sink.Message{Body: "hello", Done: func(r sink.Result) { done <- r }}); err != nil {
			t.Fatal(err)
		}
	}
	if n, waiting := w.InFlight(); n != 3 || waiting <= 0 {
		t.Errorf("%d in flight for %s", n, waiting)
	}
	srv.ReleaseReflections()
	for range cap(done) {
		<-done
	}
	if n, waiting := w.InFlight(); n != 0 || waiting != 0 {
		t.Errorf("%d in flight for %s", n, waiting)
	}
}
