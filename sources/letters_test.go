package sources_test

import (
	"errors"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// A notification without an id keeps its identity through the dead letters,
// however often it goes there: the ledger recognises it.
func TestReplayKeepsTheIdentity(t *testing.T) {
	original := sources.Message{
		Raw:    envelope.Raw{Body: []byte(`{"message":"x"}`), Header: []envelope.Header{{Key: "team", Value: "ops"}}},
		Broker: "kafka", Topic: "alerts", Partition: 2, Offset: 17, Attempt: 1, Time: time.Unix(1700000000, 123_000_000),
	}
	want := sources.NewDelivery(original, nil).Identity()
	m := original
	for round := range 3 {
		letter := sources.DeadLetter{Message: sources.Message{
			Raw:    envelope.Raw{Body: m.Body, Header: sources.DeadLetterHeaders(&m, sources.Reason{Code: sources.ReasonRejected, Err: errors.New("no")}, time.Now())},
			Broker: "kafka", Topic: "alerts.dlq", Offset: uint64(100 + round), Time: time.Now(),
		}}
		m.Header = letter.OriginalHeaders()
		m.Offset, m.Time = uint64(1000+round), time.Now() // its place when it is published again
		d := sources.NewDelivery(m, nil)
		if got := d.Identity(); got != want {
			t.Errorf("round %d: identity %q, want %q", round, got, want)
		}
		if d.Get("team") != "ops" || d.Get("x-dlq-reason") != "" || d.Get("x-dlq-offset") != "" {
			t.Errorf("round %d: headers %v", round, d.Header)
		}
	}
}

// Different messages stay different, also where a letter tells nothing.
func TestReplayTellsMessagesApart(t *testing.T) {
	seen := map[string]bool{}
	for i := range 5 {
		letter := sources.DeadLetter{Message: sources.Message{Broker: "kafka", Topic: "alerts.dlq", Offset: uint64(i)}}
		m := sources.Message{Raw: envelope.Raw{Body: []byte("{}"), Header: letter.OriginalHeaders()}, Broker: "kafka", Topic: "alerts"}
		seen[sources.NewDelivery(m, nil).Identity()] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d identities for 5 messages", len(seen))
	}
}
