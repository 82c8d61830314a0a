package admin

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// streamProblems lists the settings of a stream that let notifications vanish.
func streamProblems(c jetstream.StreamConfig) []error {
	const noLimit = "use discard new, or no limit"
	var p check.Faults
	old := c.Discard == jetstream.DiscardOld
	p.Add(c.Storage == jetstream.MemoryStorage, "create the stream anew with storage file", "storage is memory: notifications are lost when the broker restarts")
	p.Add(old && c.MaxMsgs > 0, noLimit, "max_msgs is %d with discard old: a longer backlog overwrites itself", c.MaxMsgs)
	p.Add(old && c.MaxBytes > 0, noLimit, "max_bytes is %d with discard old: a larger backlog overwrites itself", c.MaxBytes)
	p.Add(c.MaxMsgsPerSubject > 0 && (old || !c.DiscardNewPerSubject), "remove the limit", "max_msgs_per_subject is %d: a longer backlog of a subject overwrites itself", c.MaxMsgsPerSubject)
	p.Add(c.NoAck, "switch it off", "no_ack is on: publishers are not told when a notification is not stored")
	p.Add(c.MaxAge > 0 && c.MaxAge < shortAge, fmt.Sprintf("set it to at least %v", shortAge), "max_age is %v: notifications vanish when the room or all workers are away for so long", c.MaxAge)
	return p
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

// deadLetterProblems lists the settings that let dead letters vanish.
func deadLetterProblems(c jetstream.StreamConfig) []error {
	var p check.Faults
	p.Add(c.Retention == jetstream.InterestPolicy, "create the stream anew with retention limits", "retention is interest: dead letters vanish unless a consumer waits for them")
	p.Add(c.Storage == jetstream.MemoryStorage, "create the stream anew with storage file", "storage is memory: dead letters are lost when the broker restarts")
	return p
}
