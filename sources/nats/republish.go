package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Republish publishes the original to its subject, if that is one that the
// source reads: the letter may come from anybody who can publish letters, and
// that must not be a way to publish whatever the operator may. The message id
// is the same at every try, so that within the stream's window only the first
// is stored.
func (l *letters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
	ctx, cancel := context.WithTimeout(ctx, lettersLimit)
	defer cancel()
	subjects, err := l.subjects(ctx)
	if err != nil {
		return fmt.Errorf("publish %s to subject %s: %w", letter.ID, letter.Target, err)
	}
	ours := func(subject string) bool { return covers(subject, letter.Target) }
	if !literal(letter.Target) || strings.HasPrefix(letter.Target, "$") || !slices.ContainsFunc(subjects, ours) {
		return fmt.Errorf("publish %s to subject %q: the source reads only %s", letter.ID, letter.Target, strings.Join(subjects, ", "))
	}
	if err := l.publish(ctx, original(letter)); err != nil {
		return fmt.Errorf("publish %s to subject %s: %w", letter.ID, letter.Target, err)
	}
	return nil
}

// original is the message that was given up.
func original(letter *sources.DeadLetter) *nats.Msg {
	m := nats.NewMsg(letter.Target)
	m.Data = letter.Body
	for _, h := range letter.OriginalHeaders() {
		if !strings.HasPrefix(strings.ToLower(h.Key), "nats-") {
			m.Header[h.Key] = append(m.Header[h.Key], h.Value)
		}
	}
	m.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("replay-%s-%d-%d", letter.Stream, letter.Offset, letter.Time.UnixNano()))
	return m
}

// handOver publishes m without JetStream. It fails if nobody listens, and with
// answered, unless the worker says that m has been delivered.
func handOver(ctx context.Context, conn *nats.Conn, m *nats.Msg, answered bool) error {
	m.Reply = conn.NewInbox()
	sub, err := conn.SubscribeSync(m.Reply)
	if err != nil {
		return err
	}
	defer func() { _ = sub.Unsubscribe() }() // the connection ends soon
	if err := conn.PublishMsg(m); err != nil {
		return err
	}
	// The broker says that nobody listens before it answers this.
	if err := conn.FlushWithContext(ctx); err != nil {
		return err
	}
	if n, _, err := sub.Pending(); err == nil && n == 0 && !answered {
		return nil
	}
	reply, err := sub.NextMsgWithContext(ctx)
	switch {
	case errors.Is(err, nats.ErrNoResponders) || err == nil && reply.Header.Get("Status") == "503":
		return fmt.Errorf("no worker listens: start one: %w", nats.ErrNoResponders)
	case err != nil:
		return fmt.Errorf("no worker says what became of it, send it again later: %w", err)
	}
	var a answer
	if err := json.Unmarshal(reply.Data, &a); err != nil {
		return fmt.Errorf("read the worker's answer: %w", err)
	}
	if answered && a.Status != delivered {
		return fmt.Errorf("the worker answers %q: %s", a.Status, a.Error)
	}
	return nil
}
