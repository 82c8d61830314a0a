package nats_test

import (
	"strings"
	"testing"
)

// The status follows what happens to the broker, and tells the backlog.
func TestStatus(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	b.publish(t, 0, 10)
	src := b.use(t, b.config())
	if s := src.Status(); s.Bound || s.Lag >= 0 {
		t.Errorf("before the first call: %+v", s)
	}
	ack(t, receive(t, src, 3)...)
	if s := src.Status(); !s.Bound || s.Problem != "" || s.Lag != 7 {
		t.Errorf("at work: %+v", s)
	}
	b.settles(t, 3)
	b.stop(t)
	eventually(t, "the status tells that the broker is away", func() bool {
		s := src.Status()
		return !s.Bound && strings.Contains(s.Problem, "not connected")
	})
	b.start(t)
	ack(t, receive(t, src, 7)...)
	eventually(t, "all is well again", func() bool { s := src.Status(); return s.Bound && s.Lag == 0 })
}

func TestCoreStatus(t *testing.T) {
	t.Parallel()
	b := newCore(t)
	src := b.useCore(t)
	stop := receiver(t, src)
	eventually(t, "the source listens", func() bool { return src.Status().Bound })
	b.stop(t)
	eventually(t, "the status tells that the broker is away", func() bool { return !src.Status().Bound })
	b.start(t)
	eventually(t, "the source listens again", func() bool { return src.Status().Bound })
	stop()
}
