package jetstream_test

import (
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// A broker that was killed may have forgotten what it had delivered, and gives it
// to whoever asks first. So nobody asks at once: who holds it has time to show it.
func TestNothingIsAskedForAtOnceAfterRestart(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	b.PublishNotes(t, 0, 1)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	b.Settles(t, 1)
	b.Down(t)
	sourcetest.Eventually(t, "the source notices", func() bool { return !src.Status().Receiving })
	b.Up(t)
	b.PublishNotes(t, 1, 2)
	sourcetest.Eventually(t, "the source has reconnected", func() bool { return src.Status().Receiving })
	begin := time.Now() // what is measured from here is the wait alone
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	if waited := time.Since(begin); waited < 2*time.Second {
		t.Errorf("received %v after the reconnection", waited)
	}
}

// Neither does a consumer's new leader know all that the one before had delivered.
func TestNothingIsAskedForAtOnceAfterAnElection(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src := b.use(t, b.config())
	next := 0
	b.PublishNotes(t, next, next+1)
	sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
	sourcetest.Eventually(t, "the source waits after it has heard of an election", func() bool {
		natstest.Must(t, b.Conn.Publish("$JS.EVENT.ADVISORY.CONSUMER.LEADER_ELECTED.NOTIFY.xmpp-notifier", []byte("{}")))
		next++
		b.PublishNotes(t, next, next+1)
		begin := time.Now()
		sourcetest.Ack(t, sourcetest.Next(t, src, 1)...)
		return time.Since(begin) > time.Second
	})
}
