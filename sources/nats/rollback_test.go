package nats_test

import (
	"testing"
	"time"
)

// A broker that was killed may have forgotten what it had delivered, and gives it
// to whoever asks first. So nobody asks at once: who holds it has time to show it.
func TestNothingIsAskedForAtOnceAfterRestart(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	b.publish(t, 0, 1)
	ack(t, receive(t, src, 1)...)
	b.settles(t, 1)
	b.stop(t)
	eventually(t, "the source notices", func() bool { return !src.Status().Bound })
	b.start(t)
	b.publish(t, 1, 2)
	eventually(t, "the source has reconnected", func() bool { return src.Status().Bound })
	begin := time.Now() // what is measured from here is the wait alone
	ack(t, receive(t, src, 1)...)
	if waited := time.Since(begin); waited < 2*time.Second {
		t.Errorf("received %v after the reconnection", waited)
	}
}
