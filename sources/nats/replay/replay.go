// Package replay reads the dead letters of the NATS sources and publishes their
// originals again.
package replay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/deadletter"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
)

// answerTime bounds the wait for the next dead letter that is known to be there,
// and for an answer of the broker.
const answerTime = 10 * time.Second

// DeadLetters reads dead letters with a consumer that leaves no trace.
type DeadLetters struct {
	prefix string // of their subjects, with the last dot
	owner  string // the durable consumer or the queue
	conn   *conn.Conn
	target target
}

// target is where the originals go.
type target interface {
	// subjects returns those that the source reads.
	subjects(ctx context.Context) ([]string, error)
	// publish publishes an original to one of them, as surely as the broker can.
	publish(ctx context.Context, m *client.Msg) error
	// whole is the original of a dead letter that has only a part of it.
	whole(ctx context.Context, letter *sources.DeadLetter) (envelope.Raw, error)
}

var _ sources.DeadLetters = (*DeadLetters)(nil)

// OpenJetStream gives access to the dead letters of a durable consumer. It
// connects, or says why that fails.
func OpenJetStream(settings nats.Settings, stream, consumer string) (*DeadLetters, error) {
	l, err := open(settings, stream, consumer)
	if err != nil {
		return nil, err
	}
	l.target = &streamTarget{conn: l.conn, stream: stream}
	return l, nil
}

// OpenCore gives access to the dead letters of a queue group of core NATS. Their
// originals go to a worker that listens to the subjects, or nowhere. If it
// answers, it also must say that they were delivered.
func OpenCore(settings nats.Settings, queue string, subjects []string, answers bool) (*DeadLetters, error) {
	l, err := open(settings, "", queue)
	if err != nil {
		return nil, err
	}
	l.target = &coreTarget{conn: l.conn, list: subjects, answers: answers}
	return l, nil
}

func open(settings nats.Settings, stream, owner string) (*DeadLetters, error) {
	if err := errors.Join(settings.Validate()...); err != nil {
		return nil, err
	}
	c, err := conn.Once(settings, nil) // the call that fails tells
	if err != nil {
		return nil, err
	}
	return &DeadLetters{prefix: deadletter.Prefix(settings.DLQSubject, stream), owner: owner, conn: c}, nil
}

// Owner is the durable consumer or the queue of the source.
func (l *DeadLetters) Owner() string { return l.owner }

// Each visits the dead letters in the order in which they were written.
func (l *DeadLetters) Each(ctx context.Context, visit func(*sources.DeadLetter) error) error {
	stream, err := l.stream(ctx)
	if err != nil {
		return err
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{l.prefix + ">"}})
	if err != nil {
		return fmt.Errorf("read dead letters %s>: %w", l.prefix, err)
	}
	for left := consumer.CachedInfo().NumPending; left > 0; left-- {
		letter, err := l.next(ctx, consumer)
		if err != nil {
			return fmt.Errorf("read dead letters %s>: %w", l.prefix, err)
		}
		if err := visit(letter); err != nil {
			return err
		}
	}
	return nil
}

// next waits for a dead letter that is known to be there.
func (l *DeadLetters) next(ctx context.Context, consumer jetstream.Consumer) (*sources.DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	m, err := consumer.Next(jetstream.FetchContext(ctx))
	if err != nil {
		return nil, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	return &sources.DeadLetter{
		Message: sources.Message{
			Raw:    envelope.Raw{Header: header.List(m.Headers()), Body: m.Data()},
			Broker: "nats", Topic: m.Subject(), Stream: meta.Stream, Offset: meta.Sequence.Stream, Time: meta.Timestamp,
		},
		ID:     fmt.Sprintf("%s/%d", meta.Stream, meta.Sequence.Stream),
		Target: strings.TrimPrefix(m.Subject(), l.prefix),
	}, nil
}

func (l *DeadLetters) stream(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	name, err := l.conn.JS.StreamNameBySubject(ctx, l.prefix+">")
	if err != nil {
		return nil, fmt.Errorf("no stream captures the dead letters %s>: create one, see xmpp-notifier init --create, or correct NATS_DLQ_SUBJECT: %w", l.prefix, err)
	}
	return l.conn.Stream(ctx, name)
}

// Delete removes a dead letter from its stream.
func (l *DeadLetters) Delete(ctx context.Context, letter *sources.DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	stream, err := l.conn.JS.Stream(ctx, letter.Stream)
	if err == nil {
		err = stream.DeleteMsg(ctx, letter.Offset)
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", letter.ID, err)
	}
	return nil
}

// Close disconnects.
func (l *DeadLetters) Close() error {
	l.conn.Close()
	return nil
}
