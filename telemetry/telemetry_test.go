package telemetry_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// room is a room with so many messages in flight.
type room struct {
	messages int
	waiting  time.Duration
}

func (r *room) InFlight() (int, time.Duration) { return r.messages, r.waiting }
func (*room) Unshown() []sink.Unshown {
	return []sink.Unshown{{ID: "id1", Place: "nats:notifications/7", Why: "not shown, although the room answers"}}
}
func (*room) HistoryDepth() int                { return 40 }
func (*room) Pace() (int, time.Duration, bool) { return 1, 2 * time.Second, true }
func (*room) String() string                   { return "xmpp:alerts@rooms.example" }

// carrier is a worker that has 5 notifications unacknowledged and 7 messages
// pending.
type carrier struct{}

func (carrier) Pending(string) (messages, bytes int) { return 7, 700 }

func (carrier) MaxPending() int           { return 32 }
func (carrier) Gathered(string) int       { return 3 }
func (carrier) Unacknowledged(string) int { return 5 }

// plain is a source that cannot tell how it is; reporting is one that can.
type plain struct{ name string }

func (plain) Receive(context.Context, sources.Limit) ([]*sources.Delivery, error) { return nil, nil }
func (plain) Stop()                                                               {}
func (plain) Close(context.Context) error                                         { return nil }
func (p plain) String() string                                                    { return p.name }

type reporting struct {
	plain
	state sources.Status
}

func (r *reporting) Status() sources.Status { return r.state }

const (
	jetstream = "nats:NOTIFY"
	topic     = "kafka:alerts"
)

// desk is a Telemetry with a room and two sources.
type desk struct {
	*telemetry.Telemetry
	room *room
	nats *reporting
}

func newDesk(o telemetry.Options) *desk {
	d := &desk{room: &room{}, nats: &reporting{plain{jetstream}, sources.Status{Receiving: true, Lag: -1}}}
	o.Version, o.MaxInFlight, o.MaxPendingBytes, o.StalledAfter = "1.2.3", 20, 4000, 30*time.Second
	o.Worker, o.Room, o.Sources = carrier{}, d.room, []sources.Source{d.nats, plain{topic}}
	d.Telemetry = telemetry.New(o)
	return d
}

func (d *desk) join() {
	d.ObserveRoom(sink.Event{Kind: sink.Connected})
	d.ObserveRoom(sink.Event{Kind: sink.Joined, Session: sink.Session{Occupant: "alerts@rooms.example/bot"}})
}

func (d *desk) get(path string) (int, string) {
	answer := httptest.NewRecorder()
	d.Handler().ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody))
	return answer.Code, answer.Body.String()
}

func delivery() *sources.Delivery {
	m := sources.Message{Broker: "nats", Topic: "notify.test", Stream: "NOTIFY", Raw: envelope.Raw{Body: []byte(`{"subject":"1"}`)}}
	m.Time = time.Now().Add(-time.Minute)
	return sources.NewDelivery(m, nil)
}

func (d *desk) expect(t *testing.T, lines ...string) {
	t.Helper()
	_, text := d.get("/metrics")
	for _, line := range lines {
		if !strings.Contains(text, "\nxmpp_notifier_"+line+"\n") {
			t.Errorf("%q is not in the metrics", line)
		}
	}
}

func TestCountsFailuresOfTheTemplate(t *testing.T) {
	newDesk(telemetry.Options{}).expect(t, "template_failures_total 0")
	newDesk(telemetry.Options{TemplateFailures: func() int64 { return 3 }}).expect(t, "template_failures_total 3")
	newDesk(telemetry.Options{AuditMissing: func() int64 { return 4 }}).expect(t, "audit_lines_missing_total 4")
}

func TestCountsWhatASourceLost(t *testing.T) {
	d := newDesk(telemetry.Options{})
	d.nats.state.Dropped = 5
	d.expect(t, `messages_dropped_total{source="nats:NOTIFY"} 5`)
}

func TestCountsWhatBecomesOfNotifications(t *testing.T) {
	d := newDesk(telemetry.Options{})
	one := delivery()
	reason := sources.Reason{Code: sources.ReasonDecode, Err: errors.New("no JSON")}
	for _, e := range []worker.Event{
		{Kind: worker.Received},
		{Kind: worker.Delivered, Parts: []int{0, 1, 2}, Took: 3 * time.Millisecond}, // three in one message
		{Kind: worker.Acked},
		{Kind: worker.Received},
		{Kind: worker.Suppressed},
		{Kind: worker.AckFailed, Err: errors.New("gone")},
		{Kind: worker.Received},
		{Kind: worker.Failed, Reason: reason},
		{Kind: worker.Failing, Doing: worker.DeadLettering, Err: errors.New("no")},
		{Kind: worker.DeadLettered, Reason: reason},
		{Kind: worker.Received},
		{Kind: worker.Released},
		{Kind: worker.Received},
		{Kind: worker.Filtered, Why: "expired"},
		{Kind: worker.Digested, Together: 40, Took: time.Minute},
		{Kind: worker.Delivered, Parts: []int{0, 1}, Together: 40, Replaced: "an alarm"},
		{Kind: worker.Expired, Parts: []int{0}, Together: 3},
	} {
		e.Source, e.Delivery = jetstream, one
		d.ObserveWorker(e)
	}
	d.expect(
		t, `messages_received_total{source="nats:NOTIFY"} 5`, `messages_received_total{source="kafka:alerts"} 0`,
		`notifications_delivered_total{source="nats:NOTIFY"} 5`, `notifications_suppressed_total{source="nats:NOTIFY"} 1`,
		`notifications_filtered_total{reason="expired",source="nats:NOTIFY"} 1`, `notifications_filtered_total{reason="severity",source="nats:NOTIFY"} 0`,
		`digests_total{source="nats:NOTIFY"} 1`, `notifications_digested_total{source="nats:NOTIFY"} 2`, `corrections_total{source="nats:NOTIFY"} 1`,
		`notifications_expired_total{source="nats:NOTIFY"} 1`, `gathered_messages{source="nats:NOTIFY"} 3`,
		`digest_members_bucket{le="20"} 0`, `digest_members_bucket{le="50"} 1`, `reflection_duration_seconds_count 2`,
		`messages_failed_total{reason="decode",source="nats:NOTIFY"} 1`,
		`messages_dead_lettered_total{reason="decode",source="nats:NOTIFY"} 1`,
		`acks_total{outcome="acknowledged",source="nats:NOTIFY"} 1`, `acks_total{outcome="failed",source="nats:NOTIFY"} 1`,
		`acks_total{outcome="released",source="nats:NOTIFY"} 1`, `acks_total{outcome="dead_lettered",source="nats:NOTIFY"} 1`,
		`retries_total{reason="dead_letter"} 1`, `pending_messages{source="nats:NOTIFY"} 7`, `pending_bytes{source="nats:NOTIFY"} 700`,
		`unacknowledged_messages{source="nats:NOTIFY"} 5`, `max_pending_messages 32`, `max_pending_bytes 4000`, `history_depth_messages 40`,
		`reflection_duration_seconds_bucket{le="0.0025"} 0`, `reflection_duration_seconds_bucket{le="0.005"} 1`,
		`delivery_duration_seconds_count{source="nats:NOTIFY"} 2`,
		`event_age_seconds_bucket{source="nats:NOTIFY",le="30"} 0`, `event_age_seconds_bucket{source="nats:NOTIFY",le="300"} 2`,
	)
}

func TestCountsWhatHappensToTheRoom(t *testing.T) {
	d := newDesk(telemetry.Options{})
	kick := &sink.Error{Op: "stay in the room", Err: &sink.RemovedError{Code: 307, Why: "kicked"}}
	d.join()
	d.expect(t, `room_joined 1`, `xmpp_connected 1`)
	d.room.messages = 7
	d.ObserveRoom(sink.Event{Kind: sink.Bounced, Err: &sink.Condition{Name: "forbidden"}})
	d.ObserveRoom(sink.Event{Kind: sink.Bounced, Err: &sink.Condition{Name: "made-up-by-a-server"}})
	d.ObserveRoom(sink.Event{Kind: sink.Left, Err: kick, InRoom: time.Minute})
	d.ObserveRoom(sink.Event{Kind: sink.Connected})
	d.ObserveRoom(sink.Event{Kind: sink.Left, Err: &sink.Error{Kind: "join", Op: "join the room", Err: &sink.Condition{Name: "forbidden"}}})
	d.ObserveRoom(sink.Event{Kind: sink.Resent, Resent: 5, PossibleDuplicates: 2})
	d.ObserveRoom(sink.Event{Kind: sink.Left})
	d.expect(
		t, `room_joined 0`, `xmpp_connected 0`, `in_flight_messages 7`, `max_in_flight_messages 20`,
		`room_joins_total{outcome="joined"} 1`, `room_joins_total{outcome="failed"} 1`,
		`room_removals_total{code="307"} 1`, `xmpp_reconnects_total{reason="removed"} 1`, `xmpp_reconnects_total{reason="join"} 1`,
		`room_bounces_total{condition="forbidden"} 1`, `room_bounces_total{condition="other"} 1`,
		`retries_total{reason="resend"} 5`, `possible_duplicates_total 2`,
	)
}

func TestReadyzSaysWhyNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(telemetry.Options{})
		ready := func(want string) {
			t.Helper()
			code, body := d.get("/readyz")
			if body != want+"\n" || (code == http.StatusOK) != (want == "ok") {
				t.Errorf("/readyz says %d %q, want %q", code, body, want)
			}
			if code, _ := d.get("/livez"); code != http.StatusOK {
				t.Errorf("/livez says %d", code)
			}
		}
		ready("xmpp:alerts@rooms.example: not in the room yet")
		d.join()
		ready("ok")
		d.room.waiting = 31 * time.Second
		ready("xmpp:alerts@rooms.example: no reflection for 31s (message id1 of nats:notifications/7: not shown, although the room answers)")
		d.room.waiting = 0
		d.ObserveRoom(sink.Event{Kind: sink.Voice, Err: errors.New("post to alerts@rooms.example: no voice")})
		ready("post to alerts@rooms.example: no voice")
		d.ObserveRoom(sink.Event{Kind: sink.Voice})
		ready("ok")
		d.ObserveRoom(sink.Event{Kind: sink.Left, Err: errors.New("server closed the stream")})
		ready("xmpp:alerts@rooms.example: not in the room: server closed the stream")
		d.join()
		d.nats.state = sources.Status{Problem: "stream not found"}
		ready("nats:NOTIFY: stream not found")
		d.nats.state = sources.Status{Receiving: true}
		d.ObserveWorker(worker.Event{Kind: worker.Failing, Source: topic, Doing: worker.Receiving, Err: errors.New("no broker")})
		ready("kafka:alerts: receive: no broker")
		d.ObserveWorker(worker.Event{Kind: worker.Recovered, Source: topic, Doing: worker.Receiving})
		ready("ok")
		d.ObserveWorker(worker.Event{Kind: worker.Failing, Source: topic, Doing: worker.Receiving, Err: errors.New("no broker")})
		<-time.After(time.Minute) // it is quiet: the attempt that followed is waiting for a message
		ready("ok")
		d.Stopping()
		ready("stopping")
	})
}

func TestStatusTellsPeopleAndPrograms(t *testing.T) {
	d := newDesk(telemetry.Options{})
	d.join()
	d.room.messages, d.room.waiting = 3, 1500*time.Millisecond
	d.nats.state.Lag = 42
	d.ObserveRoom(sink.Event{Kind: sink.Left, Err: errors.New("kicked")})
	d.join()
	d.ObserveWorker(worker.Event{Kind: worker.Received, Source: jetstream, Delivery: delivery()})
	d.ObserveWorker(worker.Event{Kind: worker.Delivered, Source: jetstream, Delivery: delivery()})
	code, body := d.get("/status")
	var s telemetry.Status
	if err := json.Unmarshal([]byte(body), &s); err != nil || code != http.StatusOK {
		t.Fatal(code, err, body)
	}
	if !s.Ready || s.Problems == nil || s.Version != "1.2.3" || s.LastDelivery == nil {
		t.Errorf("got %s", body)
	}
	if r := s.Room; !r.Joined || r.Occupant != "alerts@rooms.example/bot" || r.InFlight != 3 || r.MaxInFlight != 20 || r.HistoryDepth != 40 || r.Waiting != 1.5 || r.LastError.Error != "kicked" {
		t.Errorf("got %s", body)
	}
	kafka, nats := s.Sources[0], s.Sources[1]
	if nats.Name != jetstream || *nats.Lag != 42 || nats.Pending != 7 || nats.PendingBytes != 700 || nats.Unacknowledged != 5 || nats.MaxPending != 32 || nats.LastReceived == nil || kafka.Lag != nil || kafka.LastReceived != nil {
		t.Errorf("got %s", body)
	}
}

// A source that is not bound names the problem, also one that the worker has with it.
func TestStatusNamesTheProblem(t *testing.T) {
	d := newDesk(telemetry.Options{})
	d.ObserveWorker(worker.Event{Kind: worker.Failing, Source: jetstream, Doing: worker.DeadLettering, Err: errors.New("no stream")})
	_, body := d.get("/status")
	var s telemetry.Status
	if err := json.Unmarshal([]byte(body), &s); err != nil {
		t.Fatal(err, body)
	}
	if nats := s.Sources[1]; nats.Receiving || !strings.Contains(nats.Problem, "no stream") {
		t.Errorf("got %s", body)
	}
}

func TestObservingDeliveriesDoesNotAllocate(t *testing.T) {
	d := newDesk(telemetry.Options{})
	one := delivery()
	n := testing.AllocsPerRun(100, func() {
		d.ObserveWorker(worker.Event{Kind: worker.Received, Source: topic, Delivery: one})
		d.ObserveWorker(worker.Event{Kind: worker.Delivered, Source: topic, Delivery: one, Took: time.Millisecond})
		d.ObserveWorker(worker.Event{Kind: worker.Acked, Source: topic, Delivery: one})
	})
	if n != 0 {
		t.Errorf("%v allocations for a notification", n)
	}
}

func BenchmarkObserve(b *testing.B) {
	d := newDesk(telemetry.Options{})
	one := delivery()
	b.ReportAllocs()
	for b.Loop() {
		d.ObserveWorker(worker.Event{Kind: worker.Received, Source: topic, Delivery: one})
		d.ObserveWorker(worker.Event{Kind: worker.Delivered, Source: topic, Delivery: one, Took: time.Millisecond})
		d.ObserveWorker(worker.Event{Kind: worker.Acked, Source: topic, Delivery: one})
	}
}

func serve(t *testing.T, d *desk) *telemetry.Server {
	t.Helper()
	s, err := telemetry.Serve(t.Context(), telemetry.Config{Addr: "127.0.0.1:0"}, d.Handler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestServerServesUntilItIsClosed(t *testing.T) {
	s := serve(t, newDesk(telemetry.Options{}))
	get := func(path string) (int, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Addr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		return answer.StatusCode, answer.Body.Close()
	}
	for path, want := range map[string]int{"/livez": 200, "/readyz": 503, "/status": 200, "/metrics": 200, "/": 404, "/debug/pprof/": 404} {
		if got, err := get(path); got != want || err != nil {
			t.Errorf("%s: %d, %v, want %d", path, got, err, want)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := get("/livez"); err == nil {
		t.Error("the port is still open")
	}
}

func TestServerNamesTheFixOfABadAddress(t *testing.T) {
	d := newDesk(telemetry.Options{})
	taken := serve(t, d).Addr()
	_, err := telemetry.Serve(t.Context(), telemetry.Config{Addr: taken}, d.Handler(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "ADMIN_ADDR=") || !strings.Contains(err.Error(), "choose a free port") {
		t.Errorf("got %v", err)
	}
	if errs := (telemetry.Config{Addr: "9464"}).Validate(); len(errs) != 1 {
		t.Errorf("got %v", errs)
	}
	off, err := telemetry.Serve(t.Context(), telemetry.Config{}, d.Handler(), nil)
	if err != nil || off.Close() != nil {
		t.Error("an admin port that is off is no error")
	}
}
