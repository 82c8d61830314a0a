//go:build real

package kafka_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// checkSessions has the brokers end the SASL session of every connection a few seconds
// after it began (connections.max.reauth.ms). The source connects anew, and nothing is
// lost or repeated.
func checkSessions(t *testing.T, broker *testbed.KafkaBroker) {
	t.Helper()
	if testing.Short() {
		t.Skip("waits for sessions to end")
	}
	admin := realCluster(t, broker.Addr)
	if err := admin.createTopic(t.Context(), admin.topic); err != nil {
		t.Fatal(err)
	}
	c := clusterAt(t, admin.topic, broker.Secure.SASL)
	c.lines = &lines{}
	c.config.SASL, c.config.User, c.config.Password = "scram-sha-512", user, config.NewSecret(password)
	s := c.open(t)
	next := 0
	ended := func() bool { return c.lines.count("kafka partitions released") >= 2 }
	for end := time.Now().Add(2 * patience); !ended(); next++ {
		if time.Now().After(end) {
			t.Fatal("the sessions do not end")
		}
		admin.publishOne(t, next, 1)
		var got []*sources.Delivery
		eventually(t, fmt.Sprint("message ", next, " comes"), func() bool {
			got, _ = sourcetest.Receive(t.Context(), s, 1) // it tells that it joins the group anew
			return len(got) > 0
		})
		if got[0].Offset != uint64(next) {
			t.Fatalf("offset %d follows, not %d", got[0].Offset, next)
		}
		ack(t, got...)
		<-time.After(50 * time.Millisecond) // to go easy on the machine
	}
	admin.settles(t, next)
	if c.lines.has("committed=false") {
		t.Error("a commit was lost")
	}
}
