package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// TestKafkaMemoryIsBounded holds the peak of the worker's resident memory for
// batches that decompress to much more than they are: many at a time, and a
// message of 200 MB, which becomes a dead letter.
func TestKafkaMemoryIsBounded(t *testing.T) {
	q := quartersOf(t)
	t.Run("12 partitions with batches of 9 MB", func(t *testing.T) {
		const partitions, each = 12, 22_000
		tr, b := largeTrial(t, partitions)
		p := largeProducer(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for partition := range partitions {
			records := make([]*kgo.Record, each)
			for i := range records {
				records[i] = &kgo.Record{Topic: b.topic, Partition: int32(partition), Value: fmt.Appendf(nil, `{"severity":"info","message":"number %d of %d %s"}`, i, partition, strings.Repeat("lorem ipsum ", 30))}
			}
			produce(t, p, records...)
		}
		worker := q.start(t, tr.env, map[string]string{"MIN_SEVERITY": "critical"})
		until(t, "all are read", func(ctx context.Context) (bool, error) {
			n, err := b.committed(ctx, partitions)
			return n == partitions*each, err
		})
		q.keeps(t, worker)
	})
	t.Run("batches of 19 MB that are not compressed", func(t *testing.T) {
		const partitions, batches, each = 4, 3, 190
		tr, b := largeTrial(t, partitions)
		p := largeProducer(t, b, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
		value := fmt.Appendf(nil, `{"severity":"info","message":"%s"}`, strings.Repeat("lorem ipsum ", 8600))
		for i := range partitions * batches {
			records := make([]*kgo.Record, each)
			for j := range records {
				records[j] = &kgo.Record{Topic: b.topic, Partition: int32(i % partitions), Value: value}
			}
			produce(t, p, records...)
		}
		worker := q.start(t, tr.env, map[string]string{"MIN_SEVERITY": "critical"})
		until(t, "all are read", func(ctx context.Context) (bool, error) {
			n, err := b.committed(ctx, partitions)
			return n == partitions*batches*each, err
		})
		q.keeps(t, worker)
	})
	t.Run("one message of 200 MB", func(t *testing.T) {
		const partitions = 4
		tr, b := largeTrial(t, partitions)
		p := largeProducer(t, b)
		produce(t, p, &kgo.Record{Topic: b.topic, Key: []byte("bomb"), Value: make([]byte, 200<<20)})
		produce(t, p, &kgo.Record{Topic: b.topic, Value: []byte(`{"message":"behind it"}`)})
		worker := q.start(t, tr.env)
		letters, err := b.deadLetters(t.Context(), 1)
		if err != nil || len(letters) != 1 || !strings.Contains(letters[0], "a message of 2097") {
			t.Errorf("dead letters %q (%v)", letters, err)
		}
		until(t, "what is behind it is read", func(ctx context.Context) (bool, error) {
			n, err := b.committed(ctx, partitions)
			return n == 2, err
		})
		q.keeps(t, worker)
	})
}

// largeTrial has a topic that takes large batches.
func largeTrial(t *testing.T, partitions int32) (*trial, *kafkaBroker) {
	t.Helper()
	b := bench{room: func(t *testing.T) roomServer { return inProcessRoom(t, 100) }, broker: fakeKafka}
	tr := b.trial(t, b.room(t))
	broker, _ := tr.broker.(*kafkaBroker)
	more, err := broker.client.CreatePartitions(t.Context(), &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{{Name: broker.topic, Count: partitions}}})
	if err != nil || more.Errors[broker.topic] != nil {
		t.Fatal(err, more)
	}
	_, err = broker.client.AlterConfigs(t.Context(), &kafka.AlterConfigsRequest{Resources: []kafka.AlterConfigRequestResource{{
		ResourceType: kafka.ResourceTypeTopic, ResourceName: broker.topic,
		Configs: []kafka.AlterConfigRequestConfig{{Name: "max.message.bytes", Value: "40000000"}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return tr, broker
}

func largeProducer(t *testing.T, b *kafkaBroker, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	p, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(b.addrs...), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(300 << 20), kgo.BrokerMaxWriteBytes(400 << 20), kgo.BrokerMaxReadBytes(400 << 20), kgo.ProducerLinger(1e9), kgo.MaxBufferedRecords(1e6),
	}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func produce(t *testing.T, p *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := p.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// committed adds up the offsets of the group.
func (b *kafkaBroker) committed(ctx context.Context, partitions int) (int, error) {
	ids := make([]int, partitions)
	for i := range ids {
		ids[i] = i
	}
	response, err := b.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: b.group, Topics: map[string][]int{b.topic: ids}})
	if err != nil {
		return 0, err
	}
	sum := 0
	for _, p := range response.Topics[b.topic] {
		sum += int(max(p.CommittedOffset, 0))
	}
	return sum, response.Error
}
