package telemetry

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// Status is what /status shows. It holds no secrets and no notification.
type Status struct {
	Version  string         `json:"version"`
	Started  time.Time      `json:"started"`
	Ready    bool           `json:"ready"`
	Problems []string       `json:"problems"` // why it is not ready
	Room     RoomStatus     `json:"room"`
	Sources  []SourceStatus `json:"sources"`
	// LastDelivery is when the room last showed a notification.
	LastDelivery *time.Time `json:"last_delivery"`
}

// RoomStatus is the state of the room.
type RoomStatus struct {
	Name string `json:"name"`
	SessionStatus
	InFlight     int     `json:"in_flight"`
	MaxInFlight  int     `json:"max_in_flight"`
	HistoryDepth int     `json:"history_depth"`            // bounds what is unacknowledged
	Waiting      float64 `json:"oldest_in_flight_seconds"` // how long it has waited
	// Unshown are the messages in flight that the room has refused, or handled and not shown.
	Unshown     []sink.Unshown `json:"unshown"`
	RateLimited bool           `json:"rate_limited"`  // the room asks us to send more slowly
	Pause       float64        `json:"pause_seconds"` // between two messages, for that reason
}

// SessionStatus is the state of our session in the room.
type SessionStatus struct {
	Connected bool       `json:"connected"` // logged in
	Joined    bool       `json:"joined"`
	Since     *time.Time `json:"since"`    // of this state
	Occupant  string     `json:"occupant"` // our address in the room
	NoVoice   *Fault     `json:"no_voice"` // why we may not post, null if we may
	LastError *Fault     `json:"last_error"`
}

// SourceStatus is the state of one source.
type SourceStatus struct {
	Name           string     `json:"name"`
	Receiving      bool       `json:"receiving"`
	Pending        int        `json:"pending"` // received, and not yet settled
	MaxPending     int        `json:"max_pending"`
	PendingBytes   int        `json:"pending_bytes"`
	Gathered       int        `json:"gathered"`           // of these, for a digest
	Unacknowledged int        `json:"unacknowledged"`     // submitted, and not durably acknowledged
	Lag            *int64     `json:"lag"`                // null: not known
	Stalled        int        `json:"partitions_stalled"` // Kafka partitions that make no progress although there is something to read
	Problem        string     `json:"problem"`            // why it does not receive, or a partition is stalled
	LastReceived   *time.Time `json:"last_received"`
	LastDelivery   *time.Time `json:"last_delivery"`
	LastError      *Fault     `json:"last_error"`
}

// Fault is an error and its time. It stays after what failed succeeds again.
type Fault struct {
	Time  time.Time `json:"time"`
	Error string    `json:"error"`
}

func newFault(err error) *Fault { return &Fault{time.Now().UTC(), err.Error()} }

// Status returns how everything is at the moment.
func (t *Telemetry) Status() Status {
	problems := t.Problems()
	s := Status{
		Version: t.options.Version, Started: t.started.UTC(),
		Ready: len(problems) == 0, Problems: problems, Room: t.roomStatus(),
	}
	for _, source := range t.sorted() {
		one := source.status(t.options.Worker)
		s.Sources = append(s.Sources, one)
		if s.LastDelivery == nil || one.LastDelivery != nil && one.LastDelivery.After(*s.LastDelivery) {
			s.LastDelivery = one.LastDelivery
		}
	}
	return s
}

func (t *Telemetry) roomStatus() RoomStatus {
	room := t.options.Room
	messages, waiting := room.InFlight()
	_, pause, limited := room.Pace()
	return RoomStatus{
		Name: room.String(), SessionStatus: t.room.snapshot(),
		InFlight: messages, MaxInFlight: t.options.MaxInFlight, HistoryDepth: room.HistoryDepth(),
		Waiting: waiting.Seconds(), Unshown: room.Unshown(), RateLimited: limited, Pause: pause.Seconds(),
	}
}

func (s *sourceState) status(w Worker) SourceStatus {
	s.mu.Lock()
	last := s.last
	s.mu.Unlock()
	messages, bytes := w.Pending(s.name)
	problem := s.problem()
	one := SourceStatus{
		Name: s.name, Receiving: problem == "", Problem: problem,
		Pending: messages, MaxPending: w.MaxPending(), PendingBytes: bytes, Gathered: w.Gathered(s.name), Unacknowledged: w.Unacknowledged(s.name),
		LastReceived: moment(&s.lastReceived), LastDelivery: moment(&s.lastDelivered), LastError: last,
	}
	if r, ok := s.source.(sources.Reporter); ok {
		status := r.Status()
		one.Stalled, one.Problem = status.Stalled, cmp.Or(status.Problem, problem)
		if status.Lag >= 0 {
			one.Lag = new(status.Lag)
		}
	}
	return one
}

// moment is a time that is counted in nanoseconds, nil for never.
func moment(nanos *atomic.Int64) *time.Time {
	if n := nanos.Load(); n != 0 {
		return new(time.Unix(0, n).UTC())
	}
	return nil
}

// sorted returns the sources by name.
func (t *Telemetry) sorted() []*sourceState {
	return slices.SortedFunc(maps.Values(t.sources), func(a, b *sourceState) int { return cmp.Compare(a.name, b.name) })
}

// Problems says why notifications do not flow; it is empty if they could.
func (t *Telemetry) Problems() []string {
	problems := []string{}
	select {
	case <-t.stopping:
		problems = append(problems, "stopping")
	default:
	}
	if p := t.roomProblem(); p != "" {
		problems = append(problems, p)
	}
	for _, s := range t.sorted() {
		if p := s.problem(); p != "" {
			problems = append(problems, fmt.Sprintf("%s: %s", s.name, p))
		}
	}
	return problems
}

func (t *Telemetry) roomProblem() string {
	session := t.room.snapshot()
	_, waiting := t.options.Room.InFlight()
	switch {
	case !session.Joined && session.LastError != nil:
		return fmt.Sprintf("%s: not in the room: %s", t.options.Room, session.LastError.Error)
	case !session.Joined:
		return fmt.Sprintf("%s: not in the room yet", t.options.Room)
	case session.NoVoice != nil:
		return session.NoVoice.Error
	case waiting > t.options.StalledAfter:
		return fmt.Sprintf("%s: no reflection for %s%s", t.options.Room, waiting.Round(time.Second), t.unshown())
	}
	return ""
}

// unshown names the first message that the room does not show.
func (t *Telemetry) unshown() string {
	list := t.options.Room.Unshown()
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf(" (message %s of %s: %s)", list[0].ID, cmp.Or(list[0].Place, "an unknown place"), list[0].Why)
}

// failingFor is how long a failure counts that was not repeated: an attempt that
// fails is repeated sooner, one that succeeds may wait for a message.
const failingFor = 45 * time.Second

// problem says why the source does not receive. One that cannot tell counts as
// receiving until it returns an error.
func (s *sourceState) problem() string {
	r, reports := s.source.(sources.Reporter)
	if reports {
		if status := r.Status(); !status.Receiving {
			return cmp.Or(status.Problem, "not receiving yet")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, doing := range slices.Sorted(maps.Keys(s.failing)) {
		f := s.failing[doing]
		if time.Since(f.Time) < failingFor && (!reports || doing != worker.Receiving) {
			return fmt.Sprintf("%s: %s", doing, f.Error)
		}
	}
	return ""
}
