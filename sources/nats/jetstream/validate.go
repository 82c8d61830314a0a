package jetstream

import (
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// unusable says why the source cannot work with a durable at all, or nil.
func (c Config) unusable(found jetstream.ConsumerConfig) error {
	switch {
	case found.AckPolicy == jetstream.AckNonePolicy:
		return check.Faultf("create the consumer anew with explicit", "ack_policy is none: the broker takes no acknowledgements")
	case found.HeadersOnly:
		return check.Faultf("switch it off", "headers_only is on: notifications arrive without their text")
	}
	return c.unpinnable(found)
}

// Problems lists the settings of a durable that defeat the promises.
func (c Config) Problems(found jetstream.ConsumerConfig) []error {
	var list check.Faults
	if err := c.unusable(found); err != nil {
		list = append(list, err)
	}
	list.Add(found.AckPolicy != jetstream.AckExplicitPolicy && found.AckPolicy != jetstream.AckNonePolicy, "create the consumer anew with explicit", "ack_policy is %s: notifications may be lost", found.AckPolicy)
	list.Add(found.MaxDeliver > 0, "set it to -1", "max_deliver is %d: notifications are skipped after so many tries", found.MaxDeliver)
	list.Add(found.MemoryStorage, "create the consumer anew without it", "mem_storage is on: acknowledgements are lost when the broker restarts")
	list.Add(found.InactiveThreshold > 0, "set it to 0", "inactive_threshold is %v: the broker deletes the consumer, and forgets what was acknowledged, when no worker runs for so long", found.InactiveThreshold)
	wait := effectiveWait(found)
	list.Add(wait > 0 && wait < minAckWait, fmt.Sprintf("set it to at least %v", minAckWait), "ack_wait or backoff is %v: notifications are delivered twice", wait)
	list.Add(found.MaxAckPending > 0 && found.MaxAckPending < c.lowAckPending(), fmt.Sprintf("set it to at least %d", c.lowAckPending()), "max_ack_pending is %d: it is shared by all workers, and further workers receive nothing", found.MaxAckPending)
	list.Add(found.MaxWaiting > 0 && found.MaxWaiting < manyWorkers, fmt.Sprintf("set it to at least %d", manyWorkers), "max_waiting is %d: further workers that ask for messages are refused", found.MaxWaiting)
	list.Add(isPinning(found) && found.PinnedTTL <= wait, fmt.Sprintf("set it to %v", pinTime(found)), "priority_timeout is %v: a worker is pinned before the broker redelivers what its predecessor held, and waits", found.PinnedTTL)
	return list
}

// lowAckPending is what two workers hold, and some more than they do by default.
func (c Config) lowAckPending() int { return max(80, 2*c.Holds) }

const (
	// longAckWait keeps what a dead worker held from the others for too long.
	longAckWait = 5 * time.Minute
	// manyWorkers is more than read one consumer. In strict order each has two requests
	// open at times.
	manyWorkers = 32
)

// Notes lists what may not be meant.
func (c Config) Notes(found jetstream.ConsumerConfig) []string {
	var notes []string
	add := func(noted bool, format string, args ...any) {
		if noted {
			notes = append(notes, fmt.Sprintf(format, args...))
		}
	}
	filters := filtersOf(found)
	add(len(c.Subjects) > 0 && !slices.Equal(filters, slices.Sorted(slices.Values(c.Subjects))),
		"the consumer reads the subjects %q, NATS_SUBJECTS names %q: it counts when a consumer is created, so change the consumer or the setting", filters, c.Subjects)
	add(found.DeliverPolicy != jetstream.DeliverAllPolicy, "deliver_policy is %s: older notifications in the stream are not delivered", found.DeliverPolicy)
	add(found.ReplayPolicy != jetstream.ReplayInstantPolicy, "replay_policy is %s: a backlog takes as long as it took to pile up", found.ReplayPolicy)
	add(len(found.BackOff) > 0, "backoff is set and replaces ack_wait: the shortest step, %v, counts", effectiveWait(found))
	add(effectiveWait(found) > longAckWait, "ack_wait is %v: what a dead worker held waits for so long", effectiveWait(found))
	add(found.PauseUntil != nil && found.PauseUntil.After(time.Now()), "the consumer is paused: resume it with nats consumer resume %s %s", c.Stream, c.Consumer)
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

// ReadsSame reports whether two consumers read a subject in common. One without
// filters reads all.
func ReadsSame(a, b jetstream.ConsumerConfig) bool {
	as, bs := filtersOf(a), filtersOf(b)
	if len(as) == 0 || len(bs) == 0 {
		return true
	}
	return slices.ContainsFunc(as, func(x string) bool {
		return slices.ContainsFunc(bs, func(y string) bool { return subject.Overlap(x, y) })
	})
}

// effectiveWait is the shortest time after which the broker delivers again.
func effectiveWait(c jetstream.ConsumerConfig) time.Duration {
	if len(c.BackOff) > 0 {
		return slices.Min(c.BackOff)
	}
	return c.AckWait
}
