package admin

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// problems collects what is wrong, each with its fix.
type problems []*check.Fault

func (p *problems) add(bad bool, fix, format string, args ...any) {
	if bad {
		*p = append(*p, &check.Fault{What: fmt.Sprintf(format, args...), Fix: fix})
	}
}

// streamProblems lists the settings of a stream that let notifications vanish.
func streamProblems(c jetstream.StreamConfig) problems {
	const noLimit = "use discard new, or no limit"
	var p problems
	old := c.Discard == jetstream.DiscardOld
	p.add(c.Storage == jetstream.MemoryStorage, "create the stream anew with storage file", "storage is memory: notifications are lost when the broker restarts")
	p.add(old && c.MaxMsgs > 0, noLimit, "max_msgs is %d with discard old: a longer backlog overwrites itself", c.MaxMsgs)
	p.add(old && c.MaxBytes > 0, noLimit, "max_bytes is %d with discard old: a larger backlog overwrites itself", c.MaxBytes)
	p.add(c.MaxMsgsPerSubject > 0 && (old || !c.DiscardNewPerSubject), "remove the limit", "max_msgs_per_subject is %d: a longer backlog of a subject overwrites itself", c.MaxMsgsPerSubject)
	p.add(c.NoAck, "switch it off", "no_ack is on: publishers are not told when a notification is not stored")
	p.add(c.MaxAge > 0 && c.MaxAge < shortAge, fmt.Sprintf("set it to at least %v", shortAge), "max_age is %v: notifications vanish when the room or all workers are away for so long", c.MaxAge)
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
func deadLetterProblems(c jetstream.StreamConfig) problems {
	var p problems
	p.add(c.Retention == jetstream.InterestPolicy, "create the stream anew with retention limits", "retention is interest: dead letters vanish unless a consumer waits for them")
	p.add(c.Storage == jetstream.MemoryStorage, "create the stream anew with storage file", "storage is memory: dead letters are lost when the broker restarts")
	return p
}
