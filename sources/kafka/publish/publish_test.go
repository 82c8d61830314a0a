package publish_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

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
	cfg := config(cluster)
	p, err := publish.Open(cfg, "alerts", 1<<20)
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
	missing, err := publish.Open(cfg, "missing", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = missing.Close() }()
	if err := missing.Publish(t.Context(), ingest.Message{Format: "text", Body: []byte("x")}); err == nil || errors.Is(err, ingest.ErrTooLarge) {
		t.Errorf("without a topic: %v", err)
	}
}

func config(cluster *kfake.Cluster) kafka.Config {
	return kafka.Config{
		Brokers: cluster.ListenAddrs(), Topics: []string{"alerts"}, GroupID: "g", DLQSuffix: ".dlq", Start: "earliest", SessionTimeout: 15 * time.Second, SASL: "none",
	}
}

// A leader that takes requests and answers none must not make the writer keep more
// and more of what nobody waits for any more.
func TestALeaderThatHangsKeepsNoMoreThanTheLimit(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var hangs atomic.Bool
	hangs.Store(true)
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return nil, nil, hangs.Load()
	})
	p, err := publish.Open(config(cluster), "alerts", 100_000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	m := ingest.Message{Format: "text", Body: bytes.Repeat([]byte("x"), 40_000)}
	send := func(wait time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		return p.Publish(ctx, m)
	}
	for range 2 {
		if err := send(200 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("a hung leader: %v", err)
		}
	}
	begin := time.Now()
	if err := send(time.Minute); err == nil || !strings.Contains(err.Error(), "does not answer") || time.Since(begin) > 30*time.Second {
		t.Errorf("the third, at once: %v", err)
	}
	m.Body = nil // many small ones are bounded as well
	for sent := 0; ; sent++ {
		if err := send(20 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if sent > 100 {
			t.Fatal("more than 100 small ones are kept")
		}
	}
	hangs.Store(false)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for send(time.Minute) != nil { // until the writer's requests have ended
		<-tick.C
	}
}
