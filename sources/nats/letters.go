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
}

var _ sources.Letters = (*letters)(nil)

// OpenLetters gives access to the dead letters of a stream: "" for those of
// core NATS. It connects, or says why that fails.
func OpenLetters(common Common, stream string) (sources.Letters, error) {
	if err := errors.Join(common.Validate()...); err != nil {
		return nil, err
	}
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
		m, err := consumer.Next(jetstream.FetchMaxWait(lettersLimit))
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

// Republish publishes the original to its subject. The message id is the same
// at every try, so that within the stream's window only the first is stored.
func (l *letters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
	m := nats.NewMsg(letter.Target)
	m.Data = letter.Body
	for _, h := range letter.OriginalHeaders() {
		if !strings.HasPrefix(strings.ToLower(h.Key), "nats-") {
			m.Header[h.Key] = append(m.Header[h.Key], h.Value)
		}
	}
	m.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("replay-%s-%d-%d", letter.Stream, letter.Offset, letter.Time.UnixNano()))
	ctx, cancel := context.WithTimeout(ctx, lettersLimit)
	defer cancel()
	if _, err := l.js.PublishMsg(ctx, m); err != nil {
		return fmt.Errorf("publish %s to subject %s: %w", letter.ID, letter.Target, err)
	}
	return nil
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
