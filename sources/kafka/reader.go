package kafka

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
)

// reader reads one partition from its leader, on one connection. The library's
// own reader is not used: in its channel messages wait whatever their size, and
// to hand one over costs about as much as to decode it.
type reader struct {
	client    *client
	topic     string
	partition int
	offset    int64 // of the next message
	links     *network
	stop      func() bool
	conn      *kafka.Conn  // nil: there is none to the leader
	batch     *kafka.Batch // what a fetch has brought and is not read yet
	failures  int          // in a row
}

// failuresToTell is how many failures in a row are told: after a change of the
// leader the first ones pass by themselves.
const failuresToTell = 3

// reader reads a partition from offset on, until ctx ends.
func (c *client) reader(ctx context.Context, topic string, partition int, offset int64) *reader {
	links := newNetwork(c.tls, c.config.Dial)
	return &reader{
		client: c, topic: topic, partition: partition, offset: offset,
		links: links, stop: context.AfterFunc(ctx, links.sever), // the library cannot be interrupted
	}
}

// next waits for a message. After an error it can be called again, and asks for
// the leader anew.
func (r *reader) next(ctx context.Context) (kafka.Message, error) {
	for ctx.Err() == nil {
		m, err := r.read(ctx)
		if err == nil {
			r.failures, r.offset = 0, m.Offset+1
			return m, nil
		}
		r.hangUp()
		if r.failures++; r.failures >= failuresToTell || errors.Is(err, kafka.OffsetOutOfRange) {
			return m, err
		}
		pause(ctx, commitRetry/10)
	}
	return kafka.Message{}, ctx.Err()
}

// read fetches until there is a message.
func (r *reader) read(ctx context.Context) (kafka.Message, error) {
	for {
		if r.batch == nil {
			if err := r.fetch(ctx); err != nil {
				return kafka.Message{}, err
			}
		}
		m, err := r.batch.ReadMessage()
		if err == nil {
			return m, nil
		}
		err = r.batch.Close()
		if r.batch = nil; err != nil && !errors.Is(err, kafka.RequestTimedOut) { // which says that there is nothing new
			return m, err
		}
		r.failures = 0
		r.offset, _ = r.conn.Offset() // compaction may have removed the last messages
	}
}

// fetch asks the leader for what follows. Its answer has a time limit; after
// that each read from the connection has one (see link), since what has come
// may wait for long until somebody takes it.
func (r *reader) fetch(ctx context.Context) error {
	if r.conn == nil {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(maxWait + requestTimeout)); err != nil {
		return err
	}
	r.batch = r.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: maxWait})
	return r.conn.SetReadDeadline(time.Time{})
}

// open connects to the leader. What retention has removed is skipped.
func (r *reader) open(ctx context.Context) error {
	conn, err := r.client.dialLeader(ctx, r.links, r.topic, r.partition)
	if err != nil {
		return err
	}
	r.conn = conn
	if err := conn.SetReadDeadline(time.Now().Add(requestTimeout)); err != nil {
		return err
	}
	first, last, err := conn.ReadOffsets()
	if err != nil {
		return err
	}
	if r.offset > last {
		return kafka.OffsetOutOfRange
	}
	r.offset = max(r.offset, first)
	_, err = conn.Seek(r.offset, kafka.SeekAbsolute|kafka.SeekDontCheck)
	return err
}

// dialLeader connects to the leader of a partition, which any broker knows. Each
// has its time: one that is silent must not use up that of the others.
func (c *client) dialLeader(ctx context.Context, n *network, topic string, partition int) (conn *kafka.Conn, err error) {
	dialer := c.dialer(n)
	dialer.DialFunc = n.dialBuffered
	for _, broker := range c.config.Brokers {
		limited, cancel := context.WithTimeout(ctx, requestTimeout)
		conn, err = dialer.DialLeader(limited, "tcp", broker, topic, partition)
		cancel()
		if err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (r *reader) hangUp() {
	if r.batch != nil {
		_ = r.batch.Close()
	}
	if r.conn != nil {
		_ = r.conn.Close()
	}
	r.batch, r.conn = nil, nil
}

func (r *reader) close() {
	r.stop()
	r.links.sever() // to close a batch reads the rest of it
	r.hangUp()
}
