package kafka_test

import (
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A leader that was not in sync has another log than the one before: it says where
// they part, which the log tells, and reading goes on there.
func TestTruncatedLogIsReadFromWhereItParts(t *testing.T) {
	t.Parallel()
	const read, common = 10, 6
	c := withTopic(t)
	c.lines = &lines{}
	c.publishOne(t, 0, read)
	var told atomic.Bool
	c.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		fetch := request.(*kmsg.FetchRequest)
		asked := fetch.Topics[0].Partitions[0]
		if asked.FetchOffset < read || told.Swap(true) {
			return nil, nil, false
		}
		if asked.LastFetchedEpoch < 0 {
			t.Errorf("a fetch from %d does not tell the epoch of what was read before", asked.FetchOffset)
		}
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.HighWatermark, p.LastStableOffset, p.RecordBatches = asked.Partition, read, read, []byte{}
		p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = asked.LastFetchedEpoch, common
		answer := fetch.ResponseKind().(*kmsg.FetchResponse)
		answer.Topics = []kmsg.FetchResponseTopic{{Topic: fetch.Topics[0].Topic, TopicID: fetch.Topics[0].TopicID, Partitions: []kmsg.FetchResponseTopicPartition{p}}}
		return answer, nil, true
	})
	s := c.open(t)
	ack(t, receive(t, s, read)...)
	for i, d := range receive(t, s, read-common) {
		if d.Offset != uint64(common+i) {
			t.Errorf("offset %d follows, not %d", d.Offset, common+i)
		}
		ack(t, d)
	}
	if !c.lines.has("level=ERROR", "log was truncated", "from=10", "to=6") {
		t.Error("the log does not tell")
	}
	c.publishOne(t, read, 2)
	ack(t, receive(t, s, 2)...)
	c.settles(t, read+2)
}
