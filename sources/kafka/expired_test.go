package kafka_test

import (
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestExpiredOffsetsAreTold(t *testing.T) {
	t.Parallel()
	checkExpired(t, withTopic(t))
}

// checkExpired takes the offsets from a group that nobody is in, as the brokers do
// after offsets.retention.minutes. The log says which partitions that is about and
// where reading begins: with earliest everything comes again, and with latest what
// was published meanwhile does not come at all.
func checkExpired(t *testing.T, c *cluster) {
	t.Helper()
	const before, meanwhile, after = 5, 3, 2
	s := c.open(t)
	c.publishOne(t, 0, before)
	ack(t, receive(t, s, before)...)
	c.settles(t, before)
	eventually(t, "the group knows where it is in every partition", func() bool { return c.begun(t) == partitions })
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.publishOne(t, before, meanwhile)

	c.lines = &lines{}
	s = c.open(t)
	ack(t, receive(t, s, meanwhile)...)
	c.settles(t, before+meanwhile)
	if c.lines.has("no committed offsets") {
		t.Error("the log takes partitions without messages for new ones")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	c.expire(t)
	c.lines = &lines{}
	s = c.open(t)
	ack(t, receive(t, s, before+meanwhile)...)
	c.settles(t, before+meanwhile)
	if !c.lines.has("level=WARN", "no committed offsets", "expired (offsets.retention.minutes)", c.topic+"[", "start=earliest", "also those that were read before") {
		t.Error("with earliest the log does not tell")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	c.expire(t)
	c.config.Start, c.lines = "latest", &lines{}
	s = c.open(t)
	c.settles(t, before+meanwhile) // it has noted where it begins
	c.publishOne(t, before+meanwhile, after)
	for i, d := range receive(t, s, after) {
		if d.Offset != uint64(before+meanwhile+i) {
			t.Errorf("offset %d comes, which is older than the start", d.Offset)
		}
		ack(t, d)
	}
	if !c.lines.has("level=WARN", "no committed offsets", "start=latest", "published before now are not read") {
		t.Error("with latest the log does not tell")
	}
}

// begun counts the partitions in which the group has an offset.
func (c *cluster) begun(t *testing.T) (n int) {
	t.Helper()
	ids := make([]int, partitions)
	for i := range ids {
		ids[i] = i
	}
	answer, err := c.admin.OffsetFetch(t.Context(), &kafkago.OffsetFetchRequest{GroupID: c.config.GroupID, Topics: map[string][]int{c.topic: ids}})
	if err != nil {
		return 0
	}
	for _, p := range answer.Topics[c.topic] {
		if p.CommittedOffset >= 0 {
			n++
		}
	}
	return n
}

// expire deletes the offsets of the group.
func (c *cluster) expire(t *testing.T) {
	t.Helper()
	request := kmsg.NewPtrDeleteGroupsRequest()
	request.Groups = []string{c.config.GroupID}
	client := c.franz(t)
	eventually(t, "the group has no members and no offsets", func() bool {
		response, err := request.RequestWith(t.Context(), client)
		return err == nil && len(response.Groups) == 1 && kerr.ErrorForCode(response.Groups[0].ErrorCode) == nil
	})
}
