//go:build real && chaos

package e2e_test

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// spy listens to what JetStream and the workers tell each other, and knows which
// messages of a stream were delivered more than once.
type spy struct {
	mu    sync.Mutex
	again map[uint64]bool // by sequence number
}

func startSpy(t *testing.T, b *natsBroker) *spy {
	t.Helper()
	s := &spy{again: map[uint64]bool{}}
	conn, err := nats.Connect(b.url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.CustomReconnectDelay(func(int) time.Duration { return 20 * time.Millisecond }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	for subject, place := range map[string]func(*nats.Msg) string{
		"_INBOX.>":                   func(m *nats.Msg) string { return m.Reply },   // deliveries
		"$JS.ACK." + b.stream + ".>": func(m *nats.Msg) string { return m.Subject }, // in-progress acks, and acknowledgements
	} {
		_, err := conn.Subscribe(subject, func(m *nats.Msg) { s.note(m.Sub, b.stream, place(m)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *spy) note(sub *nats.Subscription, stream, place string) {
	meta, err := (&nats.Msg{Sub: sub, Reply: place}).Metadata()
	if err != nil || meta.Stream != stream || meta.NumDelivered < 2 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.again[meta.Sequence.Stream] = true
}

// saw reports whether a message was delivered more than once.
func (s *spy) saw(sequence uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.again[sequence]
}

// sequence is where a notification is in the stream.
func (b *natsBroker) sequence(k key) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	number := 0
	for i, lane := range b.lanes {
		if lane == k.lane {
			number++
		}
		if number == k.number {
			return uint64(i) + 1
		}
	}
	return 0
}
