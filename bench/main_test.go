//go:build real && linux

package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// job is what a bare contestant does, in a process of its own: a sender, a consumer, or
// a bridge, which is both.
type job struct {
	Server *testbed.XMPP     // to post to; nil to consume only
	Env    map[string]string // to consume: the worker's settings; nil to send what is ready
	Body   string
	N      int
}

// next waits for a notification, and returns what acknowledges it.
type next func() (ack func() error, err error)

// asChild is the environment variable that makes this program do one.
const asChild = "BENCH_CHILD"

func TestMain(m *testing.M) {
	text := os.Getenv(asChild)
	if text == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // until it has been seen what we have used
}

func (j job) run(ctx context.Context) error {
	take, err := map[string]func(context.Context, map[string]string) (next, error){"": ready, "nats": fromNATS, "kafka": fromKafka}[j.Env["SOURCES"]](ctx, j.Env)
	if err == nil && j.Server != nil {
		return j.send(ctx, take)
	}
	for i := 0; err == nil && i < j.N; i++ {
		if i == j.N/5 {
			fmt.Println() // now it is measured
		}
		var ack func() error
		if ack, err = take(); err == nil {
			err = ack()
		}
	}
	fmt.Println()
	return err
}

func ready(context.Context, map[string]string) (next, error) {
	ack := func() error { return nil }
	return func() (func() error, error) { return ack, nil }, nil
}

func fromNATS(ctx context.Context, env map[string]string) (next, error) {
	conn, err := nats.Connect(env["NATS_URL"])
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	consumer, err := js.CreateConsumer(ctx, env["NATS_STREAM"], jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 2 * inFlight})
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2 * inFlight))
	return func() (func() error, error) {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return nil, err
		}
		return m.Ack, nil
	}, err
}

// commitEvery is how many messages a bridge from Kafka commits at a time: a crash of the
// worker repeats no more than half the history, and neither does one of the bridge.
const commitEvery = history / 4

func fromKafka(ctx context.Context, env map[string]string) (next, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(env["KAFKA_BROKERS"]), kgo.ConsumeTopics(env["KAFKA_TOPICS"]), kgo.ConsumerGroup(env["KAFKA_GROUP_ID"]),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitMarks())
	var fetched []*kgo.Record
	return func() (func() error, error) {
		for len(fetched) == 0 {
			fetches := client.PollRecords(ctx, inFlight)
			if err := fetches.Err(); err != nil {
				return nil, err
			}
			fetched = fetches.Records()
		}
		r := fetched[0]
		fetched = fetched[1:]
		return func() error {
			if client.MarkCommitRecords(r); r.Offset%commitEvery == 0 {
				client.CommitOffsets(ctx, client.MarkedOffsets(), nil)
			}
			return nil
		}, nil
	}, err
}

// sender is who posts.
type sender struct {
	*client
	take  next
	text  []byte         // stanzas to come, of equal size
	size  int            // of one
	acks  []func() error // of what is in flight
	free  int            // how many more may be in flight
	first int            // which is the first of them
}

// send posts a stanza for each notification, with never more in flight than the worker
// has. The XML that the room shows is read by the standard library, without regard to
// namespaces, and our own messages are known by their ids, as every client must.
func (j job) send(ctx context.Context, take next) error {
	c, err := join(ctx, j.Server, "notifier", "bare")
	if err != nil {
		return err
	}
	s := &sender{client: c, take: take, size: len(stanza(j.Server, 0, j.Body)), free: inFlight}
	for i := range j.N {
		s.text = append(s.text, stanza(j.Server, i, j.Body)...)
	}
	ahead, _ := c.read.Peek(c.read.Buffered()) // never more than there is
	echoes := xml.NewDecoder(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(ahead), s), 64<<10))
	for s.first < j.N {
		token, err := echoes.RawToken()
		if err != nil {
			return err
		}
		if e, begins := token.(xml.StartElement); begins && e.Name.Local == "message" {
			if err := s.echo(e.Attr); err != nil {
				return err
			}
		}
	}
	return nil
}

// echo takes a message of the room, which shows ours in order.
func (s *sender) echo(of []xml.Attr) error {
	if len(s.acks) == 0 || !slices.Contains(of, xml.Attr{Name: xml.Name{Local: "id"}, Value: id(s.first)}) {
		return nil
	}
	ack := s.acks[0]
	s.acks, s.free, s.first = s.acks[1:], s.free+1, s.first+1
	return ack()
}

// Read reads for the decoder, which has read all that came before: as many echoes as that
// brought, as many messages are sent in one write.
func (s *sender) Read(p []byte) (int, error) {
	n := min(s.free, len(s.text)/s.size)
	for range n {
		ack, err := s.take()
		if err != nil {
			return 0, err
		}
		s.acks = append(s.acks, ack)
	}
	if _, err := s.conn.Write(s.text[:n*s.size]); err != nil {
		return 0, err
	}
	s.text, s.free = s.text[n*s.size:], s.free-n
	return s.conn.Read(p)
}

func stanza(x *testbed.XMPP, i int, body string) string {
	return fmt.Sprintf("<message to='%s' type='groupchat' id='%s'><body>%s</body></message>", roomOf(x), id(i), body)
}

// id is that of a message of this process, as long as any other.
func id(i int) string { return fmt.Sprintf("%08d-%019d", os.Getpid(), i) }
