// Package publish writes what package ingest takes to JetStream.
package publish

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// Publisher writes below one subject.
type Publisher struct {
	subject string
	conn    *conn.Conn
}

var _ ingest.Publisher = (*Publisher)(nil)

// Open starts to connect, and keeps at it. Messages go to the subject and the name
// of their format. The error is about the settings.
func Open(s nats.Settings, subject string, log *slog.Logger) (*Publisher, error) {
	c, err := conn.Open(s, log, conn.Events{})
	if err != nil {
		return nil, err
	}
	return &Publisher{subject: subject, conn: c}, nil
}

// Publish writes m, and returns when the stream has stored it. Within its window for
// duplicates (two minutes, unless set) the stream stores one of all with the same ID.
func (p *Publisher) Publish(ctx context.Context, m ingest.Message) error {
	if err := p.conn.Online(ctx); err != nil {
		return err
	}
	msg := client.NewMsg(p.subject + "." + m.Format)
	msg.Data = m.Body
	for _, h := range m.Header {
		msg.Header.Set(h.Key, h.Value)
	}
	options := []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}
	if m.ID != "" {
		options = append(options, jetstream.WithMsgID(m.ID))
	}
	_, err := p.conn.JS.PublishMsg(ctx, msg, options...)
	return explain(msg.Subject, err)
}

// explain says what an operator can do about it.
func explain(subject string, err error) error {
	switch {
	case err == nil:
		return nil
	case conn.IsTooLarge(err):
		return fmt.Errorf("publish to %s: %w: raise max_payload of the server, or max_msg_size of the stream", subject, ingest.ErrTooLarge)
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, client.ErrNoResponders):
		err = &check.Fault{
			What: "no stream captures the subject " + subject,
			Fix:  "add it to the subjects of a stream, run xmpp-notifier init --create, or correct INGEST_SUBJECT",
		}
	case conn.LimitFix(err) != "":
		err = &check.Fault{Err: err, Fix: conn.LimitFix(err)}
	}
	return fmt.Errorf("publish to %s: %w", subject, err)
}

// Close disconnects.
func (p *Publisher) Close() error {
	p.conn.Close()
	return nil
}
