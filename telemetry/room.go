package telemetry

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// The outcomes of joins, and a reason for repeated attempts.
const (
	joined    = "joined"
	failed    = "failed"
	resending = "resend"
)

// roomState is what is known of our session in the room.
type roomState struct {
	mu sync.Mutex
	SessionStatus
}

func (r *roomState) snapshot() SessionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.SessionStatus
}

// ObserveRoom takes an event of the room.
func (t *Telemetry) ObserveRoom(e sink.Event) {
	before := t.room.take(&e)
	m := &t.metrics
	switch e.Kind {
	case sink.Joined:
		m.joins.WithLabelValues(joined).Inc()
	case sink.Left:
		if e.Err == nil {
			return // we were told to
		}
		m.reconnects.WithLabelValues(sink.Reason(e.Err)).Inc()
		if before.Connected && !before.Joined {
			m.joins.WithLabelValues(failed).Inc()
		}
		if removal, ok := errors.AsType[*sink.RemovedError](e.Err); ok {
			m.removals.WithLabelValues(code(removal.Code)).Inc()
		}
	case sink.Bounced:
		m.bounces.WithLabelValues(condition(e.Err)).Inc()
	case sink.Resent:
		m.retries.WithLabelValues(resending).Add(float64(e.Resent))
		m.possibleDuplicates.Add(float64(e.PossibleDuplicates))
	default:
	}
}

// take notes the event and returns what was known before.
func (r *roomState) take(e *sink.Event) SessionStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, now := r.SessionStatus, new(time.Now().UTC())
	switch e.Kind {
	case sink.Connected:
		r.Connected, r.Since = true, now
	case sink.Joined:
		r.Joined, r.Occupant, r.Since = true, e.Session.Occupant, now
	case sink.Left:
		if r.Connected {
			r.Since = now
		}
		r.Connected, r.Joined, r.Occupant, r.NoVoice = false, false, "", nil
		if e.Err != nil {
			r.LastError = newFault(e.Err)
		}
	case sink.Voice:
		if r.NoVoice = nil; e.Err != nil {
			r.NoVoice = newFault(e.Err)
		}
	default:
	}
	return before
}

func code(status int) string {
	if status == 0 {
		return "none"
	}
	return strconv.Itoa(status)
}

// conditions are the values of the label condition: the stanza errors of RFC
// 6120, 8.3.3, and other for whatever else a server says.
func conditions() []string {
	return []string{
		"bad-request", "conflict", "feature-not-implemented", "forbidden", "gone", "internal-server-error",
		"item-not-found", "jid-malformed", "not-acceptable", "not-allowed", "not-authorized", "policy-violation",
		"recipient-unavailable", "redirect", "registration-required", "remote-server-not-found",
		"remote-server-timeout", "resource-constraint", "service-unavailable", "subscription-required",
		"undefined-condition", "unexpected-request", "other",
	}
}

func condition(err error) string {
	if c, ok := errors.AsType[*sink.Condition](err); ok && slices.Contains(conditions(), c.Name) {
		return c.Name
	}
	return "other"
}
