package kafka_test

import (
	"strings"
	"testing"
)

// The status tells why the source is not in its group, and how much waits in
// the topic: also of what comes while nobody takes anything.
func TestStatus(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	src := c.open(t)
	if s := src.Status(); s.Receiving || s.Lag >= 0 {
		t.Errorf("before it has joined: %+v", s)
	}
	eventually(t, "the status tells that there is no topic", func() bool {
		s := src.Status()
		return !s.Receiving && strings.Contains(s.Problem, "does not exist")
	})
	if err := c.createTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	eventually(t, "an empty topic has no lag", func() bool { s := src.Status(); return s.Receiving && s.Problem == "" && s.Lag == 0 })
	c.publish(t, 0, 30)
	held := receive(t, src, 10)
	eventually(t, "20 wait", func() bool { return src.Status().Lag == 20 })
	c.publish(t, 30, 5000)
	eventually(t, "5020 wait", func() bool { return src.Status().Lag == 5020 })
	ack(t, held...)
	ack(t, receive(t, src, 1000)...)
	eventually(t, "4020 wait", func() bool { s := src.Status(); return s.Receiving && s.Lag == 4020 })
}
