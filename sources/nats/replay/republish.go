package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/deadletter"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/header"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// Republish publishes the original to its subject, if that is one that the
// source reads: the dead letter may come from anybody who can publish dead letters, and
// that must not be a way to publish whatever the operator may. The message id
// is the same at every attempt, so that within the stream's window only the first
// is stored.
func (l *DeadLetters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
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
	if err := l.publish(ctx, letter); err != nil {
		return fmt.Errorf("publish %s to subject %s: %w", letter.ID, letter.Target, err)
	}
	return nil
}

// publish publishes the original with its identity, or without, if that makes it
// too long: it was rejected, so the room has not shown it.
func (l *DeadLetters) publish(ctx context.Context, letter *sources.DeadLetter) error {
	complete := *letter
	if letter.IsCut() {
		whole, err := l.target.whole(ctx, letter)
		if err != nil {
			return err
		}
		complete.Raw = letter.Whole(whole)
	}
	err := l.target.publish(ctx, original(&complete, false))
	if errors.Is(err, client.ErrMaxPayload) {
		return l.target.publish(ctx, original(&complete, true))
	}
	return err
}

// MarkReplayed stores beside a dead letter that its original was published again.
func (l *DeadLetters) MarkReplayed(ctx context.Context, letter *sources.DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	mark := client.NewMsg(letter.Topic)
	for _, h := range sources.ReplayedHeaders(letter, time.Now()) {
		mark.Header.Set(h.Key, h.Value)
	}
	if _, err := l.conn.JS.PublishMsg(ctx, mark, jetstream.WithExpectStream(letter.Stream)); err != nil {
		return fmt.Errorf("mark %s as replayed: %w", letter.ID, err)
	}
	return nil
}

// original is the message that was rejected: bare, without any header of ours.
func original(letter *sources.DeadLetter, bare bool) *client.Msg {
	m := client.NewMsg(letter.Target)
	m.Data = letter.Body
	for _, h := range letter.OriginalHeaders() {
		if deadletter.Control(h.Key) || bare && sources.IsReplayHeader(h.Key) {
			continue
		}
		m.Header[h.Key] = append(m.Header[h.Key], h.Value)
	}
	if !bare {
		m.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("replay-%s-%d-%d", letter.Stream, letter.Offset, letter.Time.UnixNano()))
	}
	return m
}

// streamTarget is the stream of a JetStream source.
type streamTarget struct {
	conn   *conn.Conn
	stream string
}

func (t *streamTarget) subjects(ctx context.Context) ([]string, error) {
	stream, err := t.conn.Stream(ctx, t.stream)
	if err != nil {
		return nil, err
	}
	config := stream.CachedInfo().Config
	if len(config.Subjects) == 0 || config.SubjectTransform != nil {
		return nil, &check.Fault{
			What: "stream " + t.stream + " has its messages from other streams, or under other subjects (mirror, sources, subject_transform)",
			Fix:  "publish the original by hand where it was published first: replay show prints it",
		}
	}
	return config.Subjects, nil
}

func (t *streamTarget) publish(ctx context.Context, m *client.Msg) error {
	stored, err := t.conn.JS.PublishMsg(ctx, m)
	if err == nil && stored.Stream != t.stream {
		return fmt.Errorf("stream %s has stored it, and not %s", stored.Stream, t.stream)
	}
	return err
}

// whole looks the original up where it was.
func (t *streamTarget) whole(ctx context.Context, letter *sources.DeadLetter) (envelope.Raw, error) {
	var none envelope.Raw
	stream, err := t.conn.Stream(ctx, t.stream)
	if err != nil {
		return none, err
	}
	offset, err := strconv.ParseUint(letter.Get("x-dlq-offset"), 10, 64)
	if err != nil {
		return none, errCut
	}
	m, err := stream.GetMsg(ctx, offset)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return none, errCut
	case err != nil:
		return none, err
	case m.Time.UTC().Format(time.RFC3339Nano) != letter.Get("x-dlq-first-seen"):
		return none, errCut // the stream was made anew
	}
	return envelope.Raw{Header: header.List(m.Header), Body: m.Data}, nil
}

// errCut says that a dead letter cannot be replayed.
var errCut = errors.New("the dead letter has only a part of the original, which is no longer in its stream")

// coreTarget is a worker that listens without JetStream.
type coreTarget struct {
	conn    *conn.Conn
	list    []string
	answers bool // the worker says what became of a notification
}

func (t *coreTarget) subjects(context.Context) ([]string, error) { return t.list, nil }

func (t *coreTarget) whole(context.Context, *sources.DeadLetter) (envelope.Raw, error) {
	return envelope.Raw{}, errors.New("the dead letter has only a part of the original, which no stream has stored")
}

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
