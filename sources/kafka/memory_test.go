package kafka_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
)

// A partition that is stuck in a batch which takes all the memory for large ones
// lets another partition read its own, whatever the codec.
func TestStuckPartitionLetsOthersReadLargeBatches(t *testing.T) {
	t.Parallel()
	for name, codec := range map[string]kgo.CompressionCodec{"not compressed": kgo.NoCompression(), "zstd": kgo.ZstdCompression()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const n = 22_000 // which makes 9 MB
			c := withTopic(t)
			c.takesLargeBatches(t)
			p := c.franz(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(c.topic))
			large, err := kgo.NewClient(append(p.Opts(), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(20_000_000), kgo.ProducerLinger(time.Second), kgo.MaxBufferedRecords(2*n))...)
			if err != nil {
				t.Fatal(err)
			}
			defer large.Close()
			fill := func(partition int32) {
				records := make([]*kgo.Record, n)
				for i := range records {
					records[i] = &kgo.Record{Partition: partition, Value: fmt.Appendf(nil, `{"id":"%d-%d","message":"%s"}`, partition, i, strings.Repeat("x", 400))}
				}
				if err := large.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
					t.Fatal(err)
				}
			}
			fill(0)
			s := c.open(t)
			receive(t, s, kafka.SpanLimit) // and settle none of them
			fill(1)
			for range n / 500 {
				ack(t, receive(t, s, 500)...)
			}
		})
	}
}

func (c *cluster) takesLargeBatches(t *testing.T) {
	t.Helper()
	c.alter(t, map[string]string{"max.message.bytes": "20000000"})
}

// alter sets settings of the topic.
func (c *cluster) alter(t *testing.T, settings map[string]string) {
	t.Helper()
	resource := kafkago.AlterConfigRequestResource{ResourceType: kafkago.ResourceTypeTopic, ResourceName: c.topic}
	for name, value := range settings {
		resource.Configs = append(resource.Configs, kafkago.AlterConfigRequestConfig{Name: name, Value: value})
	}
	if _, err := c.admin.AlterConfigs(t.Context(), &kafkago.AlterConfigsRequest{Resources: []kafkago.AlterConfigRequestResource{resource}}); err != nil {
		t.Fatal(err)
	}
}
