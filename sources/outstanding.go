package sources

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// placeHeader is in the mark of a replay: the place of the dead letter that was
// replayed.
const placeHeader = "x-dlq-replayed"

// Outstanding visits the dead letters of the source that no replay has handled,
// one of each message: a message that is replayed and rejected again has a newer
// dead letter, which replaces the others.
func Outstanding(ctx context.Context, letters DeadLetters, visit func(*DeadLetter) error) error {
	b := &deadLetterIndex{owner: letters.Owner(), latest: map[origin]entry{}, replayed: map[origin]uint64{}}
	err := letters.Each(ctx, func(l *DeadLetter) error {
		b.note(l)
		return nil
	})
	if err != nil {
		return err
	}
	return letters.Each(ctx, func(l *DeadLetter) error {
		if !b.outstanding(l) {
			return nil
		}
		return visit(l)
	})
}

// Own visits all dead letters of the source, those that a replay has handled or
// that were replaced included.
func Own(ctx context.Context, letters DeadLetters, visit func(*DeadLetter) error) error {
	owner := letters.Owner()
	return letters.Each(ctx, func(l *DeadLetter) error {
		if !l.belongsTo(owner) || l.Reason() == ReasonReplayed {
			return nil
		}
		return visit(l)
	})
}

// ReplayedHeaders are those of the mark that the dead letter was replayed.
func ReplayedHeaders(l *DeadLetter, now time.Time) []envelope.Header {
	headers := []envelope.Header{
		{Key: "x-dlq-reason", Value: string(ReasonReplayed)},
		{Key: identityHeader, Value: l.originIdentity()},
		{Key: placeHeader, Value: l.part() + "/" + strconv.FormatUint(l.Offset, 10)},
		{Key: "x-dlq-failed-at", Value: now.UTC().Format(time.RFC3339Nano)},
	}
	for _, key := range []string{"x-dlq-consumer", "x-dlq-group"} {
		if owner := l.Get(key); owner != "" {
			headers = append(headers, envelope.Header{Key: key, Value: owner})
		}
	}
	return headers
}

// part is the topic or stream and the partition of a dead letter, within which offsets
// rise.
func (l *DeadLetter) part() string {
	if l.Stream != "" {
		return l.Stream + "/0"
	}
	return l.Topic + "/" + strconv.Itoa(l.Partition)
}

// deadLetterIndex is what the dead letters tell of each message. It is small: there may be
// many.
type deadLetterIndex struct {
	owner    string
	latest   map[origin]entry
	replayed map[origin]uint64 // by identity and part: up to which offset
}

// origin stands for the identity of a message.
type origin [16]byte

// in stands for the message in one part.
func (o origin) in(part string) origin { return originOf(string(o[:]) + part) }

// entry is the latest dead letter of a message.
type entry struct {
	part   string
	offset uint64
	at     time.Time
}

func originOf(identity string) origin {
	sum := sha256.Sum256([]byte(identity))
	return origin(sum[:16])
}

// note takes in what one dead letter tells.
func (b *deadLetterIndex) note(l *DeadLetter) {
	if !l.belongsTo(b.owner) {
		return
	}
	key := originOf(l.originIdentity())
	if l.Reason() == ReasonReplayed {
		if part, offset, ok := cutLast(l.Get(placeHeader)); ok {
			b.replayed[key.in(part)] = max(b.replayed[key.in(part)], offset)
		}
		return
	}
	e := entry{part: l.part(), offset: l.Offset, at: l.FailedAt()}
	last, known := b.latest[key]
	if !known || e.part == last.part && e.offset > last.offset || e.part != last.part && e.at.After(last.at) {
		b.latest[key] = e
	}
}

// outstanding reports whether l is the latest dead letter of its message, and not
// replayed.
func (b *deadLetterIndex) outstanding(l *DeadLetter) bool {
	if !l.belongsTo(b.owner) || l.Reason() == ReasonReplayed {
		return false
	}
	key := originOf(l.originIdentity())
	last := b.latest[key]
	if last.part != l.part() || last.offset != l.Offset {
		return false
	}
	upTo, marked := b.replayed[key.in(last.part)]
	return !marked || last.offset > upTo
}

// cutLast takes a place apart.
func cutLast(place string) (part string, offset uint64, ok bool) {
	i := strings.LastIndexByte(place, '/')
	if i < 0 {
		return "", 0, false
	}
	offset, err := strconv.ParseUint(place[i+1:], 10, 64)
	return place[:i], offset, err == nil
}
