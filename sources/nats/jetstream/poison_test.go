package jetstream_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// A message that kills every worker who looks into it ends as a dead letter,
// undecoded, when it was delivered too often.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	cfg := b.config()
	cfg.MaxDeliver = 20
	b.PublishNotes(t, 0, 2)
	src := b.use(t, cfg)
	poison, innocent := sourcetest.Next(t, src, 1)[0], sourcetest.Next(t, src, 1)[0]
	for range cfg.MaxDeliver {
		if poison.Malformed != nil {
			t.Fatalf("attempt %d: %v", poison.Attempt, poison.Malformed)
		}
		natstest.Must(t, poison.Release(0)) // or a crash: the broker counts both
		poison = sourcetest.Next(t, src, 1)[0]
	}
	want := fmt.Sprintf("delivered %d times without success, NATS_MAX_DELIVER allows 20", cfg.MaxDeliver)
	if poison.Malformed == nil || poison.Malformed.Error() != want || len(poison.Envelopes) > 0 {
		t.Fatalf("attempt %d: malformed: %v", poison.Attempt, poison.Malformed)
	}
	natstest.Must(t, poison.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: poison.Malformed}))
	sourcetest.Ack(t, innocent)
	b.Settles(t, 2)
	letters, err := b.DeadLetters(t.Context())
	natstest.Must(t, err)
	text := fmt.Sprint(letters)
	if len(letters) != 1 || !strings.Contains(text, "{x-dlq-reason retries}") || !strings.Contains(text, "{x-dlq-attempts 21}") {
		t.Errorf("dead letters %s", text)
	}
}

// Without the setting nothing becomes a dead letter for its number of deliveries.
func TestNoLimitByDefault(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	for want := 1; want <= 100; want++ {
		d := sourcetest.Next(t, src, 1)[0]
		if d.Attempt != want || d.Malformed != nil {
			t.Fatalf("attempt %d, want %d; malformed: %v", d.Attempt, want, d.Malformed)
		}
		natstest.Must(t, d.Release(0))
	}
}

// A held message costs no delivery, however long the room is away: only stops
// and crashes count.
func TestOutageOfTheRoomCountsNoDelivery(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 1)
	src := b.use(t, b.config())
	d := sourcetest.Next(t, src, 1)[0]
	sourcetest.Eventually(t, "several ack waits are over", func() bool { return time.Since(d.Received) > 4*natstest.AckWait })
	info, err := b.Info(t.Context())
	natstest.Must(t, err)
	if info.NumRedelivered != 0 || info.NumAckPending != 1 {
		t.Errorf("%d redelivered, %d out", info.NumRedelivered, info.NumAckPending)
	}
	natstest.Must(t, d.Release(0))
	if d = sourcetest.Next(t, src, 1)[0]; d.Attempt != 2 {
		t.Errorf("attempt %d, want 2", d.Attempt)
	}
}
