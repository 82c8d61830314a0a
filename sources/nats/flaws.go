package nats

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// flaws collects what is wrong, each with its cure.
type flaws []*check.Fault

func (f *flaws) add(flawed bool, cure, format string, args ...any) {
	if flawed {
		*f = append(*f, &check.Fault{What: fmt.Sprintf(format, args...), Cure: cure})
	}
}

// consumerFlaws lists the settings of a durable that defeat the promises.
func consumerFlaws(c jetstream.ConsumerConfig) flaws {
	var f flaws
	f.add(c.AckPolicy != jetstream.AckExplicitPolicy, "create the consumer anew with explicit", "ack_policy is %s: notifications may be lost", c.AckPolicy)
	f.add(c.MaxDeliver > 0, "set it to -1", "max_deliver is %d: notifications are skipped after so many tries", c.MaxDeliver)
	f.add(c.MemoryStorage, "create the consumer anew without it", "mem_storage is on: acknowledgements are lost when the broker restarts")
	f.add(c.HeadersOnly, "switch it off", "headers_only is on: notifications arrive without their text")
	f.add(c.InactiveThreshold > 0, "set it to 0", "inactive_threshold is %v: the broker deletes the consumer, and forgets what was acknowledged, when no worker runs for so long", c.InactiveThreshold)
	wait := effectiveWait(c)
	f.add(wait > 0 && wait < minAckWait, fmt.Sprintf("set it to at least %v", minAckWait), "ack_wait or backoff is %v: notifications are delivered twice", wait)
	f.add(c.MaxAckPending > 0 && c.MaxAckPending < lowAckPending, fmt.Sprintf("set it to at least %d", lowAckPending), "max_ack_pending is %d: it is shared by all workers, and those beyond it stand idle", c.MaxAckPending)
	return f
}

const (
	// lowAckPending is some more than two workers with the default window hold.
	lowAckPending = 80
	// longAckWait keeps what a dead worker held from the others for too long.
	longAckWait = 5 * time.Minute
)

// consumerNotes lists what may not be meant.
func consumerNotes(c jetstream.ConsumerConfig, want Config) []string {
	var notes []string
	add := func(noted bool, format string, args ...any) {
		if noted {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	filters := filtersOf(c)
	add(len(want.Subjects) > 0 && !slices.Equal(filters, slices.Sorted(slices.Values(want.Subjects))),
		"the consumer reads the subjects %q, NATS_SUBJECTS names %q: it counts when a consumer is created, so change the consumer or the setting", filters, want.Subjects)
	add(c.DeliverPolicy != jetstream.DeliverAllPolicy, "deliver_policy is %s: older notifications in the stream are not delivered", c.DeliverPolicy)
	add(c.ReplayPolicy != jetstream.ReplayInstantPolicy, "replay_policy is %s: a backlog takes as long as it took to pile up", c.ReplayPolicy)
	add(len(c.BackOff) > 0, "backoff is set and replaces ack_wait: the shortest step, %v, counts", effectiveWait(c))
	add(effectiveWait(c) > longAckWait, "ack_wait is %v: what a dead worker held waits for so long", effectiveWait(c))
	add(c.PauseUntil != nil && c.PauseUntil.After(time.Now()), "the consumer is paused")
	return notes
}

func filtersOf(c jetstream.ConsumerConfig) []string {
	filters := slices.Clone(c.FilterSubjects)
	if c.FilterSubject != "" {
		filters = append(filters, c.FilterSubject)
	}
	slices.Sort(filters)
	return filters
}

// effectiveWait is the shortest time after which the broker delivers again.
func effectiveWait(c jetstream.ConsumerConfig) time.Duration {
	if len(c.BackOff) > 0 {
		return slices.Min(c.BackOff)
	}
	return c.AckWait
}

// streamFlaws lists the settings of a stream that let notifications vanish.
func streamFlaws(c jetstream.StreamConfig) flaws {
	const noLimit = "use discard new, or no limit"
	var f flaws
	old := c.Discard == jetstream.DiscardOld
	f.add(c.Storage == jetstream.MemoryStorage, "create the stream anew with storage file", "storage is memory: notifications are lost when the broker restarts")
	f.add(old && c.MaxMsgs > 0, noLimit, "max_msgs is %d with discard old: a longer backlog overwrites itself", c.MaxMsgs)
	f.add(old && c.MaxBytes > 0, noLimit, "max_bytes is %d with discard old: a larger backlog overwrites itself", c.MaxBytes)
	f.add(c.MaxMsgsPerSubject > 0 && (old || !c.DiscardNewPerSubject), "remove the limit", "max_msgs_per_subject is %d: a longer backlog of a subject overwrites itself", c.MaxMsgsPerSubject)
	f.add(c.NoAck, "switch it off", "no_ack is on: publishers are not told when a notification is not stored")
	f.add(c.MaxAge > 0 && c.MaxAge < shortAge, fmt.Sprintf("set it to at least %v", shortAge), "max_age is %v: notifications vanish when the room or all workers are away for so long", c.MaxAge)
	return f
}

// shortAge is an outage over a long weekend.
const shortAge = 4 * 24 * time.Hour

func streamNotes(c jetstream.StreamConfig) []string {
	var notes []string
	if c.MaxAge >= shortAge && c.MaxAge < defaultAge {
		notes = append(notes, fmt.Sprintf("max_age is %v: older notifications vanish, delivered or not", c.MaxAge))
	}
	if c.Retention == jetstream.InterestPolicy {
		notes = append(notes, "retention is interest: what is published while the consumer does not exist is lost")
	}
	return notes
}

// letterFlaws lists the settings that let dead letters vanish.
func letterFlaws(c jetstream.StreamConfig) flaws {
	var f flaws
	f.add(c.Retention == jetstream.InterestPolicy, "create the stream anew with retention limits", "retention is interest: dead letters vanish unless a consumer waits for them")
	f.add(c.Storage == jetstream.MemoryStorage, "create the stream anew with storage file", "storage is memory: dead letters are lost when the broker restarts")
	return f
}
