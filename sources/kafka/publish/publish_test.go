package publish_test

import (
	"errors"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/publish"
)

func TestPublish(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	cfg := kafka.Config{
		Brokers: cluster.ListenAddrs(), Topics: []string{"alerts"}, GroupID: "g", DLQSuffix: ".dlq", Start: "earliest", SessionTimeout: 15 * time.Second, SASL: "none",
	}
	p, err := publish.Open(cfg, "alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	m := ingest.Message{Format: "text", Header: []envelope.Header{{Key: "content-type", Value: "text/plain"}}, Body: []byte("hello")}
	for range 3 {
		if err := p.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	partition := kafkago.Murmur2Balancer{}.Balance(kafkago.Message{Key: []byte("text")}, 0, 1, 2)
	r := kafkago.NewReader(kafkago.ReaderConfig{Brokers: cfg.Brokers, Topic: "alerts", Partition: partition})
	defer func() { _ = r.Close() }()
	for range 3 { // all of a format are in one partition, in order
		got, err := r.ReadMessage(t.Context())
		if err != nil || string(got.Value) != "hello" || got.Headers[0].Key != "content-type" {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	missing, err := publish.Open(cfg, "missing")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = missing.Close() }()
	if err := missing.Publish(t.Context(), ingest.Message{Format: "text", Body: []byte("x")}); err == nil || errors.Is(err, ingest.ErrTooLarge) {
		t.Errorf("without a topic: %v", err)
	}
}
