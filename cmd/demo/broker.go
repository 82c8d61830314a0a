package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// The names in the broker. It tells of every acknowledgement in a stream of its own.
const (
	streamName      = "NOTIFY"
	deadLettersName = "DLQ"
	acksName        = "ACKS"
	durableName     = "xmpp-notifier"
)

// broker is a NATS server in this process, and a connection to it that knows
// nothing of the worker's.
type broker struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

func startBroker(dir string) (*broker, error) {
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: dir, NoLog: true, NoSigs: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make the broker: %w", err)
	}
	b := &broker{server: srv}
	srv.Start()
	if err := b.prepare(); err != nil {
		b.stop()
		return nil, fmt.Errorf("start the broker: %w", err)
	}
	return b, nil
}

// prepare connects and creates what an operator would have created.
func (b *broker) prepare() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if !b.server.ReadyForConnections(patience) {
		return errors.New("no connections yet")
	}
	if b.conn, err = nats.Connect(b.url()); err != nil {
		return err
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		return err
	}
	for name, subject := range map[string]string{
		streamName: "notify.>", deadLettersName: "dlq.>", acksName: "$JS.EVENT.METRIC.CONSUMER.ACK.>",
	} {
		if _, err := b.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			return err
		}
	}
	_, err = b.js.CreateConsumer(ctx, streamName, jetstream.ConsumerConfig{
		Durable: durableName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: ackWait, MaxDeliver: -1,
		SampleFrequency: "100", // percent of the acknowledgements that it tells of
	})
	return err
}

func (b *broker) url() string { return b.server.ClientURL() }

func (b *broker) stop() {
	if b.conn != nil {
		b.conn.Close()
	}
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// progress is how far the worker has come in the stream.
type progress struct {
	acked, last uint64 // the last without a gap before it, and the last of all
	told        uint64 // how many acknowledgements the broker has told of
}

func (b *broker) progress(ctx context.Context) (progress, error) {
	consumer, err := b.js.Consumer(ctx, streamName, durableName)
	if err != nil {
		return progress{}, fmt.Errorf("look up the durable consumer: %w", err)
	}
	acks, err := b.js.Stream(ctx, acksName)
	if err != nil {
		return progress{}, fmt.Errorf("look up stream %s: %w", acksName, err)
	}
	info := consumer.CachedInfo()
	return progress{info.AckFloor.Stream, info.Delivered.Stream + info.NumPending, acks.CachedInfo().State.LastSeq}, nil
}

// evidence reads what the broker remembers.
func (b *broker) evidence(ctx context.Context) (*evidence, error) {
	now, err := b.progress(ctx)
	e := &evidence{acked: now.acked, texts: map[uint64]string{}, acks: map[uint64]time.Time{}}
	published := b.each(ctx, streamName, 1, func(m *jetstream.RawStreamMsg) {
		e.texts[m.Sequence] = ""
		if decoded, err := envelope.Decode(envelope.Raw{Body: m.Data}); err == nil {
			e.texts[m.Sequence] = render.Text(decoded)
		}
	})
	deadLetters := b.each(ctx, deadLettersName, 1, func(m *jetstream.RawStreamMsg) {
		place, _ := strconv.ParseUint(m.Header.Get("x-dlq-offset"), 10, 64)
		e.deadLetters = append(e.deadLetters, deadLetter{place: place, at: m.Time})
	})
	acks := b.each(ctx, acksName, 1, func(m *jetstream.RawStreamMsg) {
		var ack server.JSConsumerAckMetric
		if json.Unmarshal(m.Data, &ack) == nil {
			e.acks[ack.StreamSeq] = ack.Time
		}
	})
	return e, errors.Join(err, published, deadLetters, acks)
}

// each calls fn for every message of a stream from a place on.
func (b *broker) each(ctx context.Context, name string, from uint64, fn func(*jetstream.RawStreamMsg)) error {
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", name, err)
	}
	for place := from; place <= stream.CachedInfo().State.LastSeq; place++ {
		m, err := stream.GetMsg(ctx, place)
		if err != nil {
			return fmt.Errorf("read message %d of stream %s: %w", place, name, err)
		}
		fn(m)
	}
	return nil
}
