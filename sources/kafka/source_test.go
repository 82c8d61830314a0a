package kafka_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// One message that is not settled stops its partition at a bounded distance,
// and only its partition.
func TestStuckMessageBoundsItsPartition(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	const n = 4 * kafka.SpanLimit // more than that in each partition
	c.publish(t, 0, n)
	s := c.open(t)
	stuck := receive(t, s, 1)[0]
	others := map[int]int{}
	take := func(wait time.Duration) (came bool) {
		ctx, cancel := context.WithTimeout(t.Context(), wait)
		defer cancel()
		batch, _ := sourcetest.Receive(ctx, s, 100) // the error is that of the context
		for _, d := range batch {
			others[d.Partition]++
		}
		ack(t, batch...)
		return len(batch) > 0
	}
	eventually(t, "all of the other partitions and some of the stuck one is delivered", func() bool {
		take(patience)
		for p, info := range c.PartitionInfos(topic) {
			if p != stuck.Partition && int64(others[p]) != info.HighWatermark {
				return false
			}
		}
		return others[stuck.Partition] >= 100
	})
	for take(time.Second) { // until nothing more comes
	}
	if got := others[stuck.Partition]; got >= kafka.SpanLimit {
		t.Errorf("%d messages were delivered behind the stuck one", got)
	}
	ack(t, stuck)
	work(t, s, newTape())
	c.settles(t, n)
}

// A busy partition does not keep the others waiting.
func TestPartitionsTakeTurns(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 1200)
	s := c.open(t)
	ack(t, receive(t, s, 3)...)
	eventually(t, "all partitions have something ready", func() bool {
		seen := map[int]bool{}
		for _, d := range receive(t, s, partitions) {
			seen[d.Partition] = true
			ack(t, d)
		}
		return len(seen) == partitions
	})
}

// Tombstones, empty and enormous bodies are delivered, and so is what looks like the
// end of a transaction and is none.
func TestUnusualRecords(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	key := []byte("k")
	good := []byte(`{"message":"` + strings.Repeat("x", 1<<19) + `"}`)
	if err := c.writer.WriteMessages(t.Context(),
		kafkago.Message{Key: key}, kafkago.Message{Key: key, Value: []byte{}}, kafkago.Message{Key: key, Value: good},
		kafkago.Message{Key: []byte{0, 0, 0, 0}, Value: []byte{0, 0, 0, 0, 0, 9}},
		kafkago.Message{Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0, 9}},
	); err != nil {
		t.Fatal(err)
	}
	s := c.open(t)
	batch := receive(t, s, 5)
	for _, d := range batch {
		if string(d.Key) == "k" && (d.Body == nil) != (d.Offset == 0) {
			t.Errorf("%s: body %q", d.Place(), d.Body)
		}
	}
	ack(t, batch...)
	c.settles(t, 5)
}

// Without its topic a dead letter is refused, and the error says what to do.
func TestDeadLetterTopicMissing(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 1)
	d := receive(t, c.open(t), 1)[0]
	err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected})
	if err == nil {
		t.Fatal("no error")
	}
	for _, word := range []string{"alerts[", "topic alerts.dlq for dead letters does not exist", "init --create", "KAFKA_DLQ_SUFFIX=.dlq"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

// A dead letter that its headers make too large goes without the error text;
// one that is too large even so is refused, and the error says what to do.
func TestDeadLetterTooLarge(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	if err := c.CreateDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	limit := func(bytes string) {
		response, err := c.admin.AlterConfigs(t.Context(), &kafkago.AlterConfigsRequest{
			Resources: []kafkago.AlterConfigRequestResource{{
				ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic + ".dlq",
				Configs: []kafkago.AlterConfigRequestConfig{{Name: "max.message.bytes", Value: bytes}},
			}},
		})
		if err != nil {
			t.Fatal(err, response)
		}
	}
	record := sourcetest.Record{Key: []byte("k"), Header: []envelope.Header{{Key: "team", Value: "ops"}}}
	if err := c.Publish(t.Context(), record); err != nil {
		t.Fatal(err)
	}
	d := receive(t, c.open(t), 1)[0]
	reason := sources.Reason{Code: sources.ReasonDecode, Err: errors.New(noise(1000))}
	limit("100")
	if err := d.Reject(t.Context(), reason); err == nil || !strings.Contains(err.Error(), "raise its max.message.bytes") {
		t.Errorf("error %v does not say what to do", err)
	}
	limit("800")
	if err := d.Reject(t.Context(), reason); err != nil {
		t.Fatal(err)
	}
	c.settles(t, 1)
	letters, err := c.DeadLetters(t.Context())
	if err != nil || len(letters) != 1 {
		t.Fatalf("%d dead letters (%v)", len(letters), err)
	}
	raw := envelope.Raw{Header: letters[0].Header}
	if raw.Get("x-dlq-error") != "" || raw.Get("x-dlq-reason") != "decode" || raw.Get("team") != "ops" {
		t.Errorf("dead letter has headers %v", raw.Header)
	}
}

// noise is text that does not compress.
func noise(n int) string {
	var b strings.Builder
	for x := uint32(1); b.Len() < n; x = x*1664525 + 1013904223 {
		b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"[x>>26])
	}
	return b.String()
}

// An acknowledgement is durable once the offset is committed, so not while an
// earlier message is open; after the end there is nothing left to wait for.
func TestDurableFollowsTheCommit(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	for range 3 {
		if err := c.Publish(t.Context(), sourcetest.Record{Key: []byte("k"), Body: []byte(`{"message":"x"}`)}); err != nil {
			t.Fatal(err)
		}
	}
	s := c.open(t)
	batch := receive(t, s, 3)
	durable := make(chan uint64, 3)
	settle := func(d *sources.Delivery) {
		if err := d.Ack(func() { durable <- d.Offset }); err != nil {
			t.Fatal(err)
		}
	}
	settle(batch[1])
	settle(batch[0])
	for want := range uint64(2) {
		if got := <-durable; got != want {
			t.Errorf("offset %d is durable, want %d", got, want)
		}
	}
	if n, err := c.Settled(t.Context()); err != nil || n != 2 {
		t.Errorf("%d messages are committed (%v), want 2", n, err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	settle(batch[2])
	if got := <-durable; got != 2 {
		t.Errorf("offset %d is reported after close, want 2", got)
	}
}
