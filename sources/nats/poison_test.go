package nats_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// A message that kills every worker who looks into it ends as a dead letter,
// undecoded, when it was delivered too often.
func TestCrashLoop(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	must(t, b.CreateDeadLetters(t.Context()))
	cfg := b.config()
	cfg.MaxDeliver = 20
	b.publish(t, 0, 2)
	src := b.use(t, cfg)
	poison, innocent := receive(t, src, 1)[0], receive(t, src, 1)[0]
	for range cfg.MaxDeliver {
		if poison.Malformed != nil {
			t.Fatalf("attempt %d: %v", poison.Attempt, poison.Malformed)
		}
		must(t, poison.Release(0)) // or a crash: the broker counts both
		poison = receive(t, src, 1)[0]
	}
	want := fmt.Sprintf("delivered %d times without success, NATS_MAX_DELIVER allows 20", cfg.MaxDeliver)
	if poison.Malformed == nil || poison.Malformed.Error() != want || len(poison.Envelopes) > 0 {
		t.Fatalf("attempt %d: malformed: %v", poison.Attempt, poison.Malformed)
	}
	must(t, poison.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: poison.Malformed}))
	ack(t, innocent)
	b.settles(t, 2)
	letters, err := b.DeadLetters(t.Context())
	must(t, err)
	text := fmt.Sprint(letters)
	if len(letters) != 1 || !strings.Contains(text, "{x-dlq-reason retries}") || !strings.Contains(text, "{x-dlq-attempts 21}") {
		t.Errorf("dead letters %s", text)
	}
}

// Without the setting nothing is ever given up for its number of deliveries.
func TestNoLimitByDefault(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 1)
	src := b.use(t, b.config())
	for want := 1; want <= 100; want++ {
		d := receive(t, src, 1)[0]
		if d.Attempt != want || d.Malformed != nil {
			t.Fatalf("attempt %d, want %d; malformed: %v", d.Attempt, want, d.Malformed)
		}
		must(t, d.Release(0))
	}
}

// A held message costs no delivery, however long the room is away: only stops
// and crashes count.
func TestOutageOfTheRoomCountsNoDelivery(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 1)
	src := b.use(t, b.config())
	d := receive(t, src, 1)[0]
	eventually(t, "several ack waits are over", func() bool { return time.Since(d.Received) > 4*ackWait })
	info, err := b.info(t.Context())
	must(t, err)
	if info.NumRedelivered != 0 || info.NumAckPending != 1 {
		t.Errorf("%d redelivered, %d out", info.NumRedelivered, info.NumAckPending)
	}
	must(t, d.Release(0))
	if d = receive(t, src, 1)[0]; d.Attempt != 2 {
		t.Errorf("attempt %d, want 2", d.Attempt)
	}
}
