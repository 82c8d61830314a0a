package jetstream_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
)

// The status follows what happens to the broker, and tells the backlog.
func TestStatus(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.PublishNotes(t, 0, 10)
	src := b.use(t, b.config())
	if s := src.Status(); s.Bound || s.Lag >= 0 {
		t.Errorf("before the first call: %+v", s)
	}
	natstest.Ack(t, natstest.Receive(t, src, 3)...)
	if s := src.Status(); !s.Bound || s.Problem != "" || s.Lag != 7 {
		t.Errorf("at work: %+v", s)
	}
	b.Settles(t, 3)
	b.Down(t)
	natstest.Eventually(t, "the status tells that the broker is away", func() bool {
		s := src.Status()
		return !s.Bound && strings.Contains(s.Problem, "not connected")
	})
	b.Up(t)
	natstest.Ack(t, natstest.Receive(t, src, 7)...)
	natstest.Eventually(t, "all is well again", func() bool { s := src.Status(); return s.Bound && s.Lag == 0 })
}
