package kafka_test

import (
	"context"
	"strings"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// With one of several topics missing, the error names that one alone, and none
// is read. Then all are, and each has dead letters of its own.
func TestSeveralTopics(t *testing.T) {
	t.Parallel()
	const second = "bills"
	c := withTopic(t)
	c.config.Topics = []string{topic, second}
	c.publish(t, 0, 30)
	s := c.open(t)
	_, err := sourcetest.Receive(t.Context(), s, 10)
	if err == nil || !strings.Contains(err.Error(), "topic bills does not exist") || strings.Contains(err.Error(), "topic alerts") {
		t.Fatalf("error %v does not name bills alone", err)
	}
	for _, name := range []string{second, second + ".dlq"} {
		if err := c.createTopic(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	writer := &kafkago.Writer{Addr: c.admin.Addr, Transport: c.admin.Transport, Topic: second, RequiredAcks: kafkago.RequireAll, BatchSize: 1}
	eventually(t, "the second topic takes a message", func() bool {
		return writer.WriteMessages(t.Context(), kafkago.Message{Value: []byte("{}")}) == nil
	})
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen := map[string]bool{}
	for len(seen) < 31 {
		batch, err := sourcetest.Receive(ctx, s, 10) // it may still say that the topic is missing
		if ctx.Err() != nil {
			t.Fatalf("received %d of 31: %v", len(seen), err)
		}
		for _, d := range batch {
			seen[d.Place()] = true
			if d.Topic != second {
				ack(t, d)
				continue
			}
			eventually(t, "the topic for dead letters takes one", func() bool {
				return d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}) == nil
			})
		}
	}
	c.settles(t, 30)
	if ends, err := c.ends(t.Context(), second+".dlq"); err != nil || ends[0]+ends[1]+ends[2] != 1 {
		t.Errorf("dead letters of the second topic: %v (%v), want one", ends, err)
	}
}
