package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// lettersLimit bounds the wait for the next dead letter that is known to be
// there, and for an answer of the broker.
const lettersLimit = 10 * time.Second

// letters reads dead letters with a consumer that leaves no trace.
type letters struct {
	prefix string // of their subjects, with the last dot
	conn   *nats.Conn
	js     jetstream.JetStream

	// subjects returns those that the source reads, and publish publishes an
	// original to one of them, as surely as the broker can.
	subjects func(ctx context.Context) ([]string, error)
	publish  func(ctx context.Context, m *nats.Msg) error
}

var _ sources.Letters = (*letters)(nil)

// OpenLetters gives access to the dead letters of the stream in cfg. It
// connects, or says why that fails.
func OpenLetters(common Common, cfg Config) (sources.Letters, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return nil, err
	}
	l, err := openLetters(common, cfg.Stream)
	if err != nil {
		return nil, err
	}
	l.subjects = func(ctx context.Context) ([]string, error) {
		stream, err := l.js.Stream(ctx, cfg.Stream)
		if err != nil {
			return nil, cfg.explain(err)
		}
		return stream.CachedInfo().Config.Subjects, nil
	}
	l.publish = func(ctx context.Context, m *nats.Msg) error {
		_, err := l.js.PublishMsg(ctx, m, jetstream.WithExpectStream(cfg.Stream))
		return err
	}
	return l, nil
}

// OpenCoreLetters gives access to the dead letters of core NATS. Their
// originals go to a worker that listens, or nowhere.
func OpenCoreLetters(common Common, cfg CoreConfig) (sources.Letters, error) {
	if err := errors.Join(append(common.Validate(), cfg.Validate()...)...); err != nil {
		return nil, err
	}
	l, err := openLetters(common, "")
	if err != nil {
		return nil, err
	}
	l.subjects = func(context.Context) ([]string, error) { return cfg.Subjects, nil }
	l.publish = func(ctx context.Context, m *nats.Msg) error { return handOver(ctx, l.conn, m, cfg.Reply) }
	return l, nil
}

func openLetters(common Common, stream string) (*letters, error) {
	opts, err := common.options()
	if err != nil {
		return nil, err
	}
	opts.RetryOnFailedConnect, opts.IgnoreAuthErrorAbort, opts.MaxReconnect = false, false, 0
	opts.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {} // the call that fails tells
	conn, err := opts.Connect()
	if err != nil {
		return nil, fmt.Errorf("connect to NATS_URL=%s: %w", strings.Join(common.URLs, ","), err)
	}
	js, err := jetstream.New(conn)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("open jetstream: %w", err)
	}
	return &letters{prefix: lettersOf(common.DLQSubject, stream), conn: conn, js: js}, nil
}

// Each visits the letters in the order in which they were written.
func (l *letters) Each(ctx context.Context, visit func(*sources.DeadLetter) error) error {
	stream, err := l.stream(ctx)
	if err != nil {
		return err
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: []string{l.prefix + ">"}})
	if err != nil {
		return fmt.Errorf("read dead letters %s>: %w", l.prefix, err)
	}
	for left := consumer.CachedInfo().NumPending; left > 0; {
		m, err := next(ctx, consumer)
		if err != nil {
			return fmt.Errorf("read dead letters %s>: %w", l.prefix, err)
		}
		meta, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("read dead letters %s>: %w", l.prefix, err)
		}
		left--
		if err := visit(l.letter(m, meta)); err != nil {
			return err
		}
	}
	return nil
}

// next waits for a letter that is known to be there.
func next(ctx context.Context, consumer jetstream.Consumer) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, lettersLimit)
	defer cancel()
	return consumer.Next(jetstream.FetchContext(ctx))
}

func (l *letters) stream(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, lettersLimit)
	defer cancel()
	name, err := l.js.StreamNameBySubject(ctx, l.prefix+">")
	if err != nil {
		return nil, fmt.Errorf("no stream captures the dead letters %s>: create one, see xmpp-notifier init --create, or correct NATS_DLQ_SUBJECT: %w", l.prefix, err)
	}
	stream, err := l.js.Stream(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", name, err)
	}
	return stream, nil
}

func (l *letters) letter(m jetstream.Msg, meta *jetstream.MsgMetadata) *sources.DeadLetter {
	return &sources.DeadLetter{
		Message: sources.Message{
			Raw:    envelope.Raw{Header: flatten(m.Headers()), Body: m.Data()},
			Broker: "nats", Topic: m.Subject(), Stream: meta.Stream, Offset: meta.Sequence.Stream, Time: meta.Timestamp,
		},
		ID:     fmt.Sprintf("%s/%d", meta.Stream, meta.Sequence.Stream),
		Target: strings.TrimPrefix(m.Subject(), l.prefix),
	}
}

// Delete removes a letter from its stream.
func (l *letters) Delete(ctx context.Context, letter *sources.DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, lettersLimit)
	defer cancel()
	stream, err := l.js.Stream(ctx, letter.Stream)
	if err == nil {
		err = stream.DeleteMsg(ctx, letter.Offset)
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", letter.ID, err)
	}
	return nil
}

// Close disconnects.
func (l *letters) Close() error {
	l.conn.Close()
	return nil
}
