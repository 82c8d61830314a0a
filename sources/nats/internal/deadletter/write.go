// Package deadletter writes dead letters to the subject that a stream of their
// own captures.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// CoreName stands for the stream in the subject of a dead letter of core NATS.
const CoreName = "core"

// errLoop is a stream that receives its own dead letters.
var errLoop = errors.New("the stream captures its own dead letters: exclude them from its subjects, or change NATS_DLQ_SUBJECT")

// Prefix is where the subjects of the dead letters of a stream begin, with the
// last dot. Core NATS has no stream.
func Prefix(dlqSubject, stream string) string {
	if stream == "" {
		stream = CoreName
	}
	return dlqSubject + "." + stream + "."
}

// Write publishes the dead letter of m below dlqSubject and waits until a stream
// has stored it. Without a connection it does not even try: every attempt would
// add to the client's buffer, which the acknowledgements need.
func Write(ctx context.Context, c *conn.Conn, dlqSubject string, m *sources.Message, reason sources.Reason) error {
	prefix := Prefix(dlqSubject, m.Stream)
	if strings.HasPrefix(m.Topic, prefix) {
		return fmt.Errorf("subject %s: %w", m.Topic, errLoop)
	}
	if !c.IsConnected() {
		return conn.ErrOffline
	}
	subject := prefix + m.Topic
	letter := sources.NewDeadLetterMessage(m, reason, time.Now())
	// Control headers would be obeyed by the stream that stores it.
	letter.Header = slices.DeleteFunc(letter.Header, func(h envelope.Header) bool { return Control(h.Key) })
	stored, err := publish(ctx, c, subject, deadLetterID(m), letter)
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, client.ErrNoResponders):
		return NoStream(prefix+">", err)
	case errors.Is(err, context.DeadlineExceeded):
		return noAnswer(subject, prefix, err)
	case conn.IsTooLarge(err):
		return &check.Fault{What: "the stream of the dead letters takes only smaller messages", Err: err, Fix: "raise its max_msg_size"}
	case conn.LimitFix(err) != "":
		return &check.Fault{What: "publish dead letter to " + subject, Err: err, Fix: conn.LimitFix(err)}
	case err != nil:
		return fmt.Errorf("publish dead letter to %s: %w", subject, err)
	case stored.Stream == m.Stream:
		return fmt.Errorf("subject %s: %w", subject, errLoop)
	}
	return nil
}

// minLetter is a length that barely holds our own headers. A stream that takes no
// more takes no dead letters.
const minLetter = 1 << 10

// publish publishes a dead letter, cut if it is too long for the server or the stream.
// Its message id is the same at every attempt: only the first one is stored.
func publish(ctx context.Context, c *conn.Conn, subject, id string, letter *sources.DeadLetterMessage) (*jetstream.PubAck, error) {
	limit := int(c.MaxPayload()) - len("NATS/1.0\r\n"+jetstream.MsgIDHeader+": \r\n\r\n"+id)
	for {
		if letter.Size() > limit {
			letter.Cut(limit)
		}
		message := client.NewMsg(subject)
		message.Data = letter.Body
		for _, h := range letter.Header {
			message.Header[h.Key] = append(message.Header[h.Key], h.Value)
		}
		stored, err := c.JS.PublishMsg(ctx, message, jetstream.WithMsgID(id))
		if !conn.IsTooLarge(err) || limit < minLetter {
			return stored, err
		}
		limit = min(limit, letter.Size()) / 2 // a stream does not tell its limit
	}
}

// NoStream says that dead letters have no place.
func NoStream(subject string, err error) error {
	return &check.Fault{
		What: "no stream captures the dead letters' subject " + subject + ", so a notification that cannot be delivered blocks its place", Err: err,
		Fix: "create one, run init --create, or correct NATS_DLQ_SUBJECT",
	}
}

// noAnswer says that nobody stored a dead letter in time, or that its publisher may
// not: the server refuses it without an answer.
func noAnswer(subject, prefix string, err error) error {
	return &check.Fault{
		What: "publish dead letter to " + subject + ": no answer", Err: err,
		Fix: "allow the user to publish to " + prefix + "> and to subscribe below NATS_INBOX_PREFIX; in a cluster, see whether the stream of the dead letters has a leader",
	}
}

// Control reports whether the broker obeys a header.
func Control(key string) bool { return strings.HasPrefix(strings.ToLower(key), "nats-") }

// deadLetterID has the time in it for a stream that was recreated: its numbers
// repeat.
func deadLetterID(m *sources.Message) string {
	if m.Serial != "" {
		return "dlq-" + CoreName + "-" + m.Serial
	}
	return fmt.Sprintf("dlq-%s-%s-%d-%d", m.Stream, m.Consumer, m.Offset, m.Time.UnixNano())
}
