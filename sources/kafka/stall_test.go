package kafka_test

import (
	"bytes"
	"strings"
	"sync/atomic"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A partition from which nothing comes although it holds something is told, in
// the log and in the status, and so is the end of that.
func TestPartitionWithoutProgressIsTold(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.lines = &lines{}
	var stuck atomic.Bool
	stuck.Store(true)
	c.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if !stuck.Load() {
			return nil, nil, false
		}
		fetch := request.(*kmsg.FetchRequest)
		answer := fetch.ResponseKind().(*kmsg.FetchResponse)
		p := kmsg.NewFetchResponseTopicPartition()
		p.Partition, p.HighWatermark, p.LastStableOffset, p.RecordBatches = fetch.Topics[0].Partitions[0].Partition, 100, 100, []byte{}
		answer.Topics = []kmsg.FetchResponseTopic{{Topic: fetch.Topics[0].Topic, TopicID: fetch.Topics[0].TopicID, Partitions: []kmsg.FetchResponseTopicPartition{p}}}
		return answer, nil, true
	})
	c.publish(t, 0, 30)
	s := c.open(t)
	eventually(t, "the status tells", func() bool {
		status := s.Status()
		return status.Receiving && status.Stalled == partitions && strings.Contains(status.Problem, "alerts[0] makes no progress: offset 0 of ") && status.Lag > 0
	})
	eventually(t, "the log tells", func() bool { return c.lines.has("level=WARN", "makes no progress", "partition=0") })
	stuck.Store(false)
	ack(t, receive(t, s, 30)...)
	eventually(t, "the end is told", func() bool {
		status := s.Status()
		return status.Stalled == 0 && status.Problem == "" && c.lines.has("level=INFO", "makes progress again", "partition=0")
	})
}

// A transaction that stays open holds back what comes behind it, which is told.
func TestOpenTransactionIsTold(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	p := c.franz(t, kgo.TransactionalID("open"), kgo.DefaultProduceTopic(c.topic))
	if err := p.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := p.ProduceSync(t.Context(), &kgo.Record{Value: []byte("undecided")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	s := c.open(t)
	eventually(t, "the status tells", func() bool {
		status := s.Status()
		return status.Stalled == 1 && strings.Contains(status.Problem, "transaction is open")
	})
	if err := p.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	c.publish(t, 0, 1)
	if d := receive(t, s, 1)[0]; bytes.Equal(d.Body, []byte("undecided")) {
		t.Error("an aborted message is delivered")
	}
}

// A quota delays what is read. One that is used up for long is told.
func TestQuotaIsTold(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	var throttled atomic.Bool
	throttled.Store(true)
	c.ControlKey(int16(kmsg.Fetch), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if !throttled.Load() {
			return nil, nil, false
		}
		answer := request.ResponseKind().(*kmsg.FetchResponse)
		answer.ThrottleMillis = 20
		return answer, nil, true
	})
	c.publish(t, 0, 30)
	s := c.open(t)
	eventually(t, "the status tells", func() bool {
		status := s.Status()
		return status.Stalled == partitions && strings.Contains(status.Problem, "quota")
	})
	throttled.Store(false)
	ack(t, receive(t, s, 30)...)
	eventually(t, "the problem is over", func() bool { return s.Status().Problem == "" })
}

// A topic that is deleted while it is read is told: whether there is something to read
// is not known.
func TestDeletedTopicIsTold(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 30)
	s := c.open(t)
	ack(t, receive(t, s, 30)...)
	c.settles(t, 30)
	if _, err := c.admin.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{c.topic}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the status tells", func() bool {
		status := s.Status()
		return status.Lag < 0 && strings.Contains(status.Problem, "topic alerts does not exist")
	})
}

// Lag is not known before a broker has told it.
func TestLagIsNotKnownAtFirst(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 30)
	silent := func(kmsg.Request) (kmsg.Response, error, bool) { c.KeepControl(); return nil, nil, true }
	c.ControlKey(int16(kmsg.Fetch), silent)
	c.ControlKey(int16(kmsg.ListOffsets), silent)
	s := c.open(t)
	eventually(t, "it is in the group", func() bool { return s.Status().Receiving })
	if lag := s.Status().Lag; lag >= 0 {
		t.Errorf("lag is %d, and nobody can know", lag)
	}
}
