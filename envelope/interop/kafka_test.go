package interop_test

import (
	"context"
	"testing"

	"github.com/IBM/sarama"
	"github.com/cloudevents/sdk-go/protocol/kafka_sarama/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// kafkaTransport is the SDK's sender for Kafka.
func kafkaTransport(t *testing.T) transport {
	t.Helper()
	const topic = "events"
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	must(t, err)
	t.Cleanup(cluster.Close)
	config := sarama.NewConfig()
	config.Version = sarama.V2_1_0_0
	config.Producer.Return.Successes = true
	sender, err := kafka_sarama.NewSender(cluster.ListenAddrs(), config, topic)
	must(t, err)
	t.Cleanup(func() { _ = sender.Close(context.WithoutCancel(t.Context())) })
	consumer, err := sarama.NewConsumer(cluster.ListenAddrs(), config)
	must(t, err)
	t.Cleanup(func() { _ = consumer.Close() })
	partition, err := consumer.ConsumePartition(topic, 0, sarama.OffsetOldest)
	must(t, err)
	t.Cleanup(func() { _ = partition.Close() })
	next := func(t *testing.T) envelope.Raw {
		t.Helper()
		select {
		case m := <-partition.Messages():
			raw := envelope.Raw{Body: m.Value}
			for _, h := range m.Headers {
				raw.Header = append(raw.Header, envelope.Header{Key: string(h.Key), Value: string(h.Value)})
			}
			return raw
		case <-t.Context().Done():
			t.Fatal("no message")
			return envelope.Raw{}
		}
	}
	return transport{"kafka", func(ctx context.Context, m binding.Message) error { return sender.Send(ctx, m) }, next, true}
}
