// Package deadletter writes dead letters to the subject that a stream of their
// own captures.
package deadletter

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
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
	letter := deadLetterMessage(prefix+m.Topic, m, reason)
	stored, err := publish(ctx, c, letter, m)
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, client.ErrNoResponders):
		return NoStream(prefix+">", err)
	case errors.Is(err, context.DeadlineExceeded):
		return noAnswer(letter.Subject, prefix, err)
	case conn.IsTooLarge(err):
		return &check.Fault{What: "the stream of the dead letters takes only smaller messages", Err: err, Fix: "raise its max_msg_size"}
	case conn.LimitFix(err) != "":
		return &check.Fault{What: "publish dead letter to " + letter.Subject, Err: err, Fix: conn.LimitFix(err)}
	case err != nil:
		return fmt.Errorf("publish dead letter to %s: %w", letter.Subject, err)
	case stored.Stream == m.Stream:
		return fmt.Errorf("subject %s: %w", letter.Subject, errLoop)
	}
	return nil
}

// publish publishes the dead letter of m, cut if it is too long for the server or the
// stream.
func publish(ctx context.Context, c *conn.Conn, letter *client.Msg, m *sources.Message) (*jetstream.PubAck, error) {
	limit := c.MaxPayload()
	for {
		cut(letter, m, limit)
		stored, err := c.JS.PublishMsg(ctx, letter)
		if !conn.IsTooLarge(err) || limit < minLetter {
			return stored, err
		}
		limit = min(limit, size(letter)) / 2 // a stream does not tell its limit
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

// deadLetterMessage is m as it was published, with the reason added. Control headers
// would be obeyed by the stream that stores it, so they are dropped. Its
// message id is the same at every attempt: only the first one is stored.
func deadLetterMessage(subject string, m *sources.Message, reason sources.Reason) *client.Msg {
	letter := client.NewMsg(subject)
	letter.Data = m.Body
	for _, h := range sources.DeadLetterHeaders(m, reason, time.Now()) {
		if !Control(h.Key) {
			letter.Header[h.Key] = append(letter.Header[h.Key], h.Value)
		}
	}
	letter.Header.Set(jetstream.MsgIDHeader, deadLetterID(m))
	return letter
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
