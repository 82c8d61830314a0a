package kafka_test

import (
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A generation that the group has gone on without does not wait for what is
// pending, even if that is being settled: nothing of it can be committed.
func TestFencedGenerationDoesNotWait(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 60)
	first := c.open(t)
	pending := receive(t, first, 60)
	c.ControlKey(int16(kmsg.OffsetCommit), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		commit := request.(*kmsg.OffsetCommitRequest)
		response := request.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, topic := range commit.Topics {
			refused := kmsg.OffsetCommitResponseTopic{Topic: topic.Topic}
			for _, p := range topic.Partitions {
				refused.Partitions = append(refused.Partitions, kmsg.OffsetCommitResponseTopicPartition{Partition: p.Partition, ErrorCode: int16(kafkago.IllegalGeneration)})
			}
			response.Topics = append(response.Topics, refused)
		}
		return response, nil, true
	})
	c.open(t) // for which the first gives partitions up
	select {
	case <-pending[0].Lost():
	case <-time.After(patience):
		t.Fatal("the holder was not told")
	}
	over := make(chan struct{})
	settle := time.NewTicker(500 * time.Millisecond)
	defer settle.Stop()
	start := time.Now()
	if err := pending[0].Ack(func() { close(over) }); err != nil {
		t.Fatal(err)
	}
	for _, d := range pending[1:] {
		select {
		case <-over:
			if took := time.Since(start); took > 9*time.Second { // with others it would wait for up to 10 s
				t.Errorf("the generation waited %s", took)
			}
			return
		case <-settle.C:
			ack(t, d)
		}
	}
	t.Error("the generation waited for everything")
}
