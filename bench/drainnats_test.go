//go:build real && linux

package bench_test

import (
	"context"
	"errors"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
)

// drainNATS reads with the source.
func (j job) drainNATS(start func()) error {
	s, err := source.Open(
		nats.Settings{URLs: []string{j.Broker["NATS_URL"]}, DLQSubject: "dlq", InboxPrefix: "_INBOX"},
		source.Config{Stream: j.Broker["NATS_STREAM"], Consumer: j.Run, Create: true, AckWait: 30 * time.Second}, quiet())
	if err != nil {
		return err
	}
	return errors.Join(j.drain(s, start), s.Close(context.Background()))
}

// reading is how a bare client reads from a consumer of its own.
type reading func(ctx context.Context, conn *natsgo.Conn, c jetstream.Consumer, start func()) error

func (j job) readNATS(read reading, start func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := natsgo.Connect(j.Broker["NATS_URL"])
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	c, err := js.CreateConsumer(ctx, j.Broker["NATS_STREAM"], jetstream.ConsumerConfig{
		Durable: j.Run, AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 10_000,
	})
	if err != nil {
		return err
	}
	return read(ctx, conn, c, start)
}

// fetch reads batch by batch.
func (j job) fetch(ctx context.Context, conn *natsgo.Conn, c jetstream.Consumer, start func()) error {
	for left := j.N; left > 0; {
		batch, err := c.Fetch(min(left, consumeBatch))
		if err != nil {
			return err
		}
		for m := range batch.Messages() {
			if left == j.N {
				start()
			}
			if err := use(m); err != nil {
				return err
			}
			left--
		}
		if err := errors.Join(batch.Error(), conn.FlushWithContext(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// iterate asks for more before it has used what it has, and makes sure of the
// acknowledgements at the end alone.
func (j job) iterate(ctx context.Context, conn *natsgo.Conn, c jetstream.Consumer, start func()) error {
	messages, err := c.Messages(jetstream.PullMaxMessages(consumeBatch))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for i := range j.N {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		if i == 0 {
			start()
		}
		if err := use(m); err != nil {
			return err
		}
	}
	return conn.FlushWithContext(ctx)
}

func use(m jetstream.Msg) error {
	_, err := envelope.Decode(envelope.Raw{Body: m.Data()})
	return errors.Join(err, m.Ack())
}
