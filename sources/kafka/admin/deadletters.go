package admin

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// deadLetters reads dead letters as nobody's consumer: it moves no offsets.
type deadLetters struct {
	client *client.Client
	memory *reader.Memory

	visited string          // the letter that is visited
	headers []record.Header // as they are on the wire
}

var _ sources.DeadLetters = (*deadLetters)(nil)

// OpenDeadLetters gives access to the dead letters of the topics in cfg. The error
// is about cfg alone.
func OpenDeadLetters(cfg kafka.Config) (sources.DeadLetters, error) {
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	memory, err := reader.NewMemory(cfg.MaxBatch)
	if err != nil {
		return nil, err
	}
	return &deadLetters{client: c, memory: memory}, nil
}

// Each visits the dead letters partition by partition, up to what is there now.
// One that falls silent does not hide the others, and is an error at the end.
func (l *deadLetters) Each(ctx context.Context, visit func(*sources.DeadLetter) error) error {
	var silent error
	for _, target := range l.client.Config.Topics {
		name := l.client.Config.DeadLetterTopic(target)
		topics, err := l.client.Topics(ctx, name)
		if err != nil {
			return err
		}
		topic := topics[name]
		if topic.Err != nil {
			return l.client.ExplainDeadLetters(name, topic.Err)
		}
		for _, partition := range slices.Sorted(maps.Keys(topic.Leaders)) {
			switch err := l.readPartition(ctx, target, topic, partition, visit); {
			case errors.Is(err, errQuiet):
				silent = errors.Join(silent, err)
			case err != nil:
				return err
			}
		}
	}
	return silent
}

func (l *deadLetters) readPartition(ctx context.Context, target string, topic client.Topic, partition int, visit func(*sources.DeadLetter) error) error {
	start, err1 := l.client.Offset(ctx, topic, partition, client.Start)
	end, err2 := l.client.Offset(ctx, topic, partition, client.End)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("ask for the offsets of %s[%d]: %w", topic.Name, partition, l.client.Explain(err))
	}
	r := reader.New(l.client, l.memory, 1, topic, partition, start, -1)
	defer r.Close()
	for r.Offset() < end {
		item, err := nextWithin(ctx, r)
		if _, jumped := errors.AsType[*reader.JumpError](err); jumped {
			continue // retention is at work
		}
		if err != nil {
			return fmt.Errorf("read %s[%d] from %d to %d: %w", topic.Name, partition, r.Offset(), end-1, l.client.Explain(err))
		}
		if item.Empty || item.Unreadable != nil || item.Offset >= end {
			continue
		}
		l.visited, l.headers = fmt.Sprintf("%s/%d/%d", topic.Name, partition, item.Offset), item.Headers
		err = visit(&sources.DeadLetter{Message: kafka.NewMessage("", topic.Name, partition, &item.Record), Target: target, ID: l.visited})
		if err != nil {
			return err
		}
	}
	return nil
}

// errQuiet says that nothing came, although there should be something.
var errQuiet = errors.New("nothing came: the brokers do not answer")

// nextWithin bounds the wait for what follows.
func nextWithin(ctx context.Context, r *reader.Reader) (reader.Item, error) {
	limited, cancel := context.WithTimeoutCause(ctx, client.RequestTimeout, errQuiet)
	defer cancel()
	item, err := r.Next(limited)
	for errors.Is(err, reader.ErrIdle) {
		item, err = r.Next(limited)
	}
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		err = context.Cause(limited)
	}
	return item, err
}

// Republish writes the original to the topic of which these are the dead
// letters: what the dead letter itself says may come from anybody.
func (l *deadLetters) Republish(ctx context.Context, letter *sources.DeadLetter) error {
	if err := l.republish(ctx, letter); err != nil {
		return fmt.Errorf("publish %s to topic %s: %w", letter.ID, letter.Target, err)
	}
	return nil
}

func (l *deadLetters) republish(ctx context.Context, letter *sources.DeadLetter) error {
	complete, wire := *letter, []record.Header(nil)
	if l.visited == letter.ID {
		wire = l.headers
	}
	if letter.IsCut() {
		original, err := l.original(ctx, letter)
		if err != nil {
			return err
		}
		m := kafka.NewMessage("", letter.Target, 0, &original)
		complete.Raw, complete.Key, wire = letter.Whole(m.Raw), original.Key, original.Headers
	}
	m := kafkago.Message{Topic: letter.Target, Key: complete.Key, Value: complete.Body, Headers: kafka.WireHeaders(complete.OriginalHeaders(), wire)}
	// Where the original was, it stays with its key, however its producer shares out keys.
	partition, err := strconv.Atoi(letter.Get("x-dlq-partition"))
	if err != nil {
		partition = client.ByKey
	}
	err = l.client.Write(ctx, m, partition)
	if errors.Is(err, kafkago.MessageSizeTooLarge) {
		// Without its identity, since the room has not shown it.
		m.Headers = slices.DeleteFunc(m.Headers, func(h kafkago.Header) bool { return sources.IsReplayHeader(h.Key) })
		err = l.client.Write(ctx, m, partition)
	}
	return l.client.Explain(err)
}

// errCut says that a dead letter cannot be replayed.
var errCut = errors.New("the dead letter has only a part of the original, which is no longer in its topic")

// original looks the original up where it was.
func (l *deadLetters) original(ctx context.Context, letter *sources.DeadLetter) (none record.Record, err error) {
	partition, err1 := strconv.Atoi(letter.Get("x-dlq-partition"))
	offset, err2 := strconv.ParseInt(letter.Get("x-dlq-offset"), 10, 64)
	if err1 != nil || err2 != nil || offset < 0 {
		return none, errCut
	}
	topics, err := l.client.Topics(ctx, letter.Target)
	if err != nil {
		return none, err
	}
	r := reader.New(l.client, l.memory, 1, topics[letter.Target], partition, offset, -1)
	defer r.Close()
	item, err := nextWithin(ctx, r)
	if _, jumped := errors.AsType[*reader.JumpError](err); jumped {
		return none, errCut
	}
	switch {
	case err != nil:
		return none, l.client.Explain(err)
	case item.Offset != offset || item.Empty || item.Time.UTC().Format(time.RFC3339Nano) != letter.Get("x-dlq-first-seen"):
		return none, errCut
	case item.Oversize > 0 || item.Unreadable != nil:
		return none, fmt.Errorf("no worker can read the original: %s", letter.Cause())
	}
	return item.Record, nil
}

// Delete cannot: Kafka deletes from the beginning of a partition only.
func (*deadLetters) Delete(context.Context, *sources.DeadLetter) error { return sources.ErrKept }

// Close disconnects.
func (l *deadLetters) Close() error {
	l.client.Close()
	l.memory.Close()
	return nil
}
