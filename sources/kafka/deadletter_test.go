package kafka_test

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/admin"
)

func TestDeadLettersAreFaithful(t *testing.T) {
	t.Parallel()
	checkFaithful(t, withTopic(t))
}

// checkFaithful rejects what has null and empty parts, publishes it again, and
// looks at both copies.
func checkFaithful(t *testing.T, c *cluster) {
	t.Helper()
	if err := c.CreateDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	originals := []*kgo.Record{
		{Key: []byte("1"), Value: []byte{}, Headers: []kgo.RecordHeader{{Key: "null"}, {Key: "empty", Value: []byte{}}, {Key: "twice", Value: []byte("a")}, {Key: "twice"}}},
		{Key: []byte("2"), Value: nil},
		{Key: nil, Value: []byte("{")},
	}
	client := c.franz(t)
	for _, r := range originals {
		r.Topic = c.topic
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	for _, d := range receive(t, c.open(t), len(originals)) {
		eventually(t, "the dead letter is written", func() bool {
			return d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode}) == nil
		})
	}
	compare(t, "dead letter", originals, consume(t, c, c.topic+".dlq", len(originals)))

	replay(t, c)
	again := consume(t, c, c.topic, 2*len(originals))
	replayed := slices.DeleteFunc(again, func(r *kgo.Record) bool {
		return !slices.ContainsFunc(r.Headers, func(h kgo.RecordHeader) bool { return sources.IsReplayHeader(h.Key) })
	})
	compare(t, "replayed", originals, replayed)
}

// compare looks for each original among the copies, but for our own headers.
func compare(t *testing.T, what string, originals, copies []*kgo.Record) {
	t.Helper()
	for _, o := range originals {
		i := slices.IndexFunc(copies, func(r *kgo.Record) bool { return string(r.Key) == string(o.Key) })
		if i < 0 {
			t.Errorf("%s: none with the key %q", what, o.Key)
			continue
		}
		c := copies[i]
		if (c.Key == nil) != (o.Key == nil) || (c.Value == nil) != (o.Value == nil) || string(c.Value) != string(o.Value) {
			t.Errorf("%s of key %q, value %#v has key %#v, value %#v", what, o.Key, o.Value, c.Key, c.Value)
		}
		for j, h := range o.Headers {
			if c.Headers[j].Key != h.Key || (c.Headers[j].Value == nil) != (h.Value == nil) {
				t.Errorf("%s: header %q=%#v is %q=%#v", what, h.Key, h.Value, c.Headers[j].Key, c.Headers[j].Value)
			}
		}
	}
}

func TestLargestMessageBecomesDeadLetter(t *testing.T) {
	t.Parallel()
	checkLargest(t, withTopic(t))
}

// checkLargest rejects a message that is as large as the broker takes. Its dead
// letter is cut, and says so; replayed is all of it.
func checkLargest(t *testing.T, c *cluster) {
	t.Helper()
	if err := c.CreateDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := c.franz(t)
	value := make([]byte, 1<<20)
	_, _ = rand.Read(value) // which does not compress
	err := errors.New("none tried")
	for ; err != nil && len(value) > 1<<19; value = value[:len(value)-20] {
		if err = client.ProduceSync(t.Context(), &kgo.Record{Topic: c.topic, Value: value}).FirstErr(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	d := receive(t, c.open(t), 1)[0]
	eventually(t, "the dead letter is written", func() bool {
		return d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: errors.New("too much")}) == nil
	})
	letter := consume(t, c, c.topic+".dlq", 1)[0]
	raw := envelope.Raw{}
	for _, h := range letter.Headers {
		raw.Header = append(raw.Header, envelope.Header{Key: h.Key, Value: string(h.Value)})
	}
	if raw.Get(sources.CutHeader) != strconv.Itoa(len(value)) || len(letter.Value) < len(value)/2 || raw.Get("x-dlq-error") != "too much" {
		t.Errorf("dead letter of %d bytes with headers %v", len(letter.Value), raw.Header)
	}
	replay(t, c)
	if again := consume(t, c, c.topic, 2); len(again[0].Value) != len(again[1].Value) {
		t.Errorf("replayed are %d of %d bytes", len(again[1].Value), len(again[0].Value))
	}
}

func TestBatchThatIsTooLargeBecomesDeadLetter(t *testing.T) {
	t.Parallel()
	checkTooLarge(t, withTopic(t))
}

// checkTooLarge reads past a batch that is larger than any that is read. One dead
// letter says which messages that are.
func checkTooLarge(t *testing.T, c *cluster) {
	t.Helper()
	if err := c.CreateDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.alter(t, map[string]string{"max.message.bytes": strconv.Itoa(60 << 20)})
	c.config.MaxBatch = 20_000_000
	client := c.franz(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(c.topic),
		kgo.ProducerBatchMaxBytes(50<<20), kgo.ManualFlushing()) // so that what is produced at once is one batch
	produce := func(records ...*kgo.Record) error {
		errs := make([]error, len(records))
		for i, r := range records {
			client.Produce(t.Context(), r, func(_ *kgo.Record, err error) { errs[i] = err })
		}
		return errors.Join(client.Flush(t.Context()), errors.Join(errs...))
	}
	if err := produce(&kgo.Record{Value: []byte(`{"message":"before"}`)}); err != nil {
		t.Fatal(err)
	}
	var batch []*kgo.Record
	for range 25 {
		batch = append(batch, &kgo.Record{Value: make([]byte, 1<<20)})
	}
	eventually(t, "the brokers take a large batch", func() bool { return produce(batch...) == nil })
	if err := produce(&kgo.Record{Value: []byte(`{"message":"behind"}`)}); err != nil {
		t.Fatal(err)
	}

	got := receiveEach(t, c.open(t), 3)
	if err := got[1].Malformed; err == nil || !strings.Contains(err.Error(), "offsets 1 to 25: it is too large to be read: a batch of") || !strings.Contains(err.Error(), "no more than 20000000 are read at once: raise MEMORY_LIMIT") {
		t.Errorf("a batch of 25 MB: %v", err)
	}
	eventually(t, "the dead letter is written", func() bool {
		return got[1].Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: got[1].Malformed}) == nil
	})
	ack(t, got[0], got[2])
	c.settles(t, 27)
	letter := envelope.Raw{}
	for _, h := range consume(t, c, c.topic+".dlq", 1)[0].Headers {
		letter.Header = append(letter.Header, envelope.Header{Key: h.Key, Value: string(h.Value)})
	}
	if letter.Get("x-dlq-offset") != "1" || !strings.Contains(letter.Get("x-dlq-error"), "offsets 1 to 25") {
		t.Errorf("the dead letter does not tell where the batch is: %v", letter.Header)
	}
}

// replay publishes every dead letter's original again.
func replay(t *testing.T, c *cluster) {
	t.Helper()
	letters, err := admin.OpenDeadLetters(c.config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = letters.Close() }()
	err = sources.Outstanding(t.Context(), letters, func(l *sources.DeadLetter) error {
		return errors.Join(letters.Republish(t.Context(), l), letters.MarkReplayed(t.Context(), l))
	})
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	if err := sources.Outstanding(t.Context(), letters, func(*sources.DeadLetter) error { left++; return nil }); err != nil || left > 0 {
		t.Errorf("%d are outstanding after the replay (%v)", left, err)
	}
}

// franz is a client of another library.
func (c *cluster) franz(t *testing.T, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(c.config.Brokers...), kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.ProducerBatchMaxBytes(2 << 20)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// consume returns the first n records of a topic.
func consume(t *testing.T, c *cluster, topic string, n int) (records []*kgo.Record) {
	t.Helper()
	client := c.franz(t, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for len(records) < n {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			t.Fatalf("%s has %d records, not %d", topic, len(records), n)
		}
		records = append(records, fetches.Records()...)
	}
	return records
}
