// Package reader reads one partition of a topic.
package reader

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// Reader reads one partition from its leader, on one connection. The library's
// own reader is not used: in its channel messages wait whatever their size, and
// to hand one over costs about as much as to decode it.
type Reader struct {
	client    *client.Client
	topic     string
	partition int
	offset    int64 // of the next message
	network   *client.Network
	stop      func() bool
	conn      *kafka.Conn  // nil: there is none to the leader
	batch     *kafka.Batch // what a fetch has brought and is not read yet
	failures  int          // in a row
}

const (
	// maxWait is how long a broker holds a fetch when there is nothing new.
	maxWait = 500 * time.Millisecond
	// fetchBytes bounds what one fetch brings; a larger message still comes.
	fetchBytes = 1 << 20
	// retryPause comes before another try.
	retryPause = 100 * time.Millisecond
)

// failuresToTell is how many failures in a row are told: after a change of the
// leader the first ones pass by themselves.
const failuresToTell = 3

// New reads a partition from offset on, until ctx ends.
func New(ctx context.Context, c *client.Client, topic string, partition int, offset int64) *Reader {
	network := c.NewNetwork()
	return &Reader{
		client: c, topic: topic, partition: partition, offset: offset,
		network: network, stop: context.AfterFunc(ctx, network.Close), // the library cannot be interrupted
	}
}

// Offset is that of the next message.
func (r *Reader) Offset() int64 { return r.offset }

// GoTo goes on at another offset.
func (r *Reader) GoTo(offset int64) { r.offset = offset }

// Connection tells one connection to a leader from the next.
func (r *Reader) Connection() *kafka.Conn { return r.conn }

// Next waits for a message. After an error it can be called again, and asks for
// the leader anew.
func (r *Reader) Next(ctx context.Context) (kafka.Message, error) {
	for ctx.Err() == nil {
		m, err := r.read(ctx)
		if err == nil {
			r.failures, r.offset = 0, m.Offset+1
			return m, nil
		}
		r.disconnect()
		if r.failures++; r.failures >= failuresToTell || errors.Is(err, kafka.OffsetOutOfRange) {
			return m, err
		}
		client.Pause(ctx, retryPause)
	}
	return kafka.Message{}, ctx.Err()
}

// read fetches until there is a message.
func (r *Reader) read(ctx context.Context) (kafka.Message, error) {
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
// that each read from the connection has one (see client.Network), since what has come
// may wait for long until somebody takes it.
func (r *Reader) fetch(ctx context.Context) error {
	if r.conn == nil {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := r.conn.SetReadDeadline(time.Now().Add(maxWait + client.RequestTimeout)); err != nil {
		return err
	}
	r.batch = r.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: fetchBytes, MaxWait: maxWait})
	return r.conn.SetReadDeadline(time.Time{})
}

// open connects to the leader. What retention has removed is skipped.
func (r *Reader) open(ctx context.Context) error {
	conn, err := r.client.DialLeader(ctx, r.network, r.topic, r.partition)
	if err != nil {
		return err
	}
	r.conn = conn
	if err := conn.SetReadDeadline(time.Now().Add(client.RequestTimeout)); err != nil {
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

func (r *Reader) disconnect() {
	if r.batch != nil {
		_ = r.batch.Close()
	}
	if r.conn != nil {
		_ = r.conn.Close()
	}
	r.batch, r.conn = nil, nil
}

// Close ends a Next that waits.
func (r *Reader) Close() {
	r.stop()
	r.network.Close() // to close a batch reads the rest of it
	r.disconnect()
}
