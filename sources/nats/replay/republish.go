package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/deadletter"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// Republish publishes the original to its subject, if that is one that the
// source reads: the letter may come from anybody who can publish letters, and
// that must not be a way to publish whatever the operator may. The message id
// is the same at every attempt, so that within the stream's window only the first
// is stored.
func (l *Letters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	subjects, err := l.target.subjects(ctx)
	if err != nil {
		return fmt.Errorf("publish %s to subject %s: %w", letter.ID, letter.Target, err)
	}
	ours := func(own string) bool { return subject.Covers(own, letter.Target) }
	if !subject.Literal(letter.Target) || strings.HasPrefix(letter.Target, "$") || !slices.ContainsFunc(subjects, ours) {
		return fmt.Errorf("publish %s to subject %q: the source reads only %s", letter.ID, letter.Target, strings.Join(subjects, ", "))
	}
	if err := l.target.publish(ctx, original(letter)); err != nil {
		return fmt.Errorf("publish %s to subject %s: %w", letter.ID, letter.Target, err)
	}
	return nil
}

// original is the message that was given up.
func original(letter *sources.DeadLetter) *client.Msg {
	m := client.NewMsg(letter.Target)
	m.Data = letter.Body
	for _, h := range letter.OriginalHeaders() {
		if !deadletter.Control(h.Key) {
			m.Header[h.Key] = append(m.Header[h.Key], h.Value)
		}
	}
	m.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("replay-%s-%d-%d", letter.Stream, letter.Offset, letter.Time.UnixNano()))
	return m
}

// streamTarget is the stream of a JetStream source.
type streamTarget struct {
	conn   *conn.Conn
	stream string
}

func (t *streamTarget) subjects(ctx context.Context) ([]string, error) {
	stream, err := t.conn.JS.Stream(ctx, t.stream)
	if err != nil {
		return nil, fmt.Errorf("look up stream %s: %w", t.stream, err)
	}
	return stream.CachedInfo().Config.Subjects, nil
}

func (t *streamTarget) publish(ctx context.Context, m *client.Msg) error {
	_, err := t.conn.JS.PublishMsg(ctx, m, jetstream.WithExpectStream(t.stream))
	return err
}

// coreTarget is a worker that listens without JetStream.
type coreTarget struct {
	conn    *conn.Conn
	list    []string
	answers bool // the worker says what became of a notification
}

func (t *coreTarget) subjects(context.Context) ([]string, error) { return t.list, nil }

// publish fails if nobody listens and, if the worker answers, unless it says that
// m has been delivered.
func (t *coreTarget) publish(ctx context.Context, m *client.Msg) error {
	m.Reply = t.conn.NewInbox()
	sub, err := t.conn.SubscribeSync(m.Reply)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection ends soon
	if err := t.conn.PublishMsg(m); err != nil {
		return err
	}
	// The broker says that nobody listens before it answers this.
	if err := t.conn.FlushWithContext(ctx); err != nil {
		return err
	}
	if n, _, err := sub.Pending(); err == nil && n == 0 && !t.answers {
		return nil
	}
	reply, err := sub.NextMsgWithContext(ctx)
	switch {
	case errors.Is(err, client.ErrNoResponders) || err == nil && reply.Header.Get("Status") == "503":
		return fmt.Errorf("no worker listens: start one: %w", client.ErrNoResponders)
	case err != nil:
		return fmt.Errorf("no worker says what became of it, send it again later: %w", err)
	}
	return t.read(reply)
}

// read understands the answer of package core.
func (t *coreTarget) read(reply *client.Msg) error {
	var answer struct{ Status, Error string }
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("read the worker's answer: %w", err)
	}
	if t.answers && answer.Status != "delivered" {
		return fmt.Errorf("the worker answers %q: %s", answer.Status, answer.Error)
	}
	return nil
}
