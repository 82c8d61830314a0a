package publish_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

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

func config(cluster *kfake.Cluster) kafka.Config {
	return kafka.Config{
		Brokers: cluster.ListenAddrs(), Topics: []string{"alerts"}, GroupID: "g", DLQSuffix: ".dlq", Start: "earliest", SessionTimeout: 15 * time.Second, SASL: "none",
	}
}

// A leader that takes requests and answers none must not make us keep what nobody
// waits for any more.
func TestALeaderThatHangsKeepsNothing(t *testing.T) {
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
	cfg := config(cluster)
	var open atomic.Int32
	cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		return &countedConn{Conn: conn, close: sync.OnceFunc(func() { open.Add(-1) })}, nil
	}
	p, err := publish.Open(cfg, "alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	send := func(body []byte, wait time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		return p.Publish(ctx, ingest.Message{Format: "text", Body: body})
	}
	var bodies []weak.Pointer[byte]
	for range 20 {
		body := bytes.Repeat([]byte("x"), 40_000)
		bodies = append(bodies, weak.Make(&body[0]))
		err := send(body, 50*time.Millisecond)
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) || !strings.Contains(err.Error(), "no answer") {
			t.Fatalf("a hung leader: %v", err)
		}
	}
	eventually(t, "nothing is kept", func() bool {
		runtime.GC()
		return !slices.ContainsFunc(bodies, func(b weak.Pointer[byte]) bool { return b.Value() != nil })
	})
	eventually(t, "no more than a connection to the leader and one to the cluster are open", func() bool { return open.Load() <= 2 })
	hangs.Store(false)
	eventually(t, "the leader answers again", func() bool { return send([]byte("x"), time.Minute) == nil })
}

// A partition whose leader moves has none for a moment.
func TestALeaderThatMovesIsAwaited(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	var refusals atomic.Int32
	cluster.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if refusals.Add(1) > 2 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = "alerts"
		partition := kmsg.NewProduceResponseTopicPartition()
		partition.ErrorCode = int16(kafkago.NotLeaderForPartition)
		topic.Partitions = append(topic.Partitions, partition)
		response.Topics = append(response.Topics, topic)
		return response, nil, true
	})
	p, err := publish.Open(config(cluster), "alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if err := p.Publish(t.Context(), ingest.Message{Format: "text", Body: []byte("hello")}); err != nil || refusals.Load() != 3 {
		t.Errorf("%d requests, %v", refusals.Load(), err)
	}
}

// countedConn is one that is counted while it is open.
type countedConn struct {
	net.Conn
	close func()
}

func (c *countedConn) Close() error {
	c.close()
	return c.Conn.Close()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within a minute: %s", what)
		}
	}
}
