package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// minDeadLetter is a size that barely holds our own headers. A topic that takes no
// more takes no dead letters.
const minDeadLetter = 1 << 10

// writeDeadLetter returns when the brokers have stored the dead letter. One that is too
// large for the topic, which does not tell its limit, is cut until it fits.
func writeDeadLetter(ctx context.Context, c *client.Client, l *lease, reason sources.Reason) error {
	m := &l.delivery.Message
	letter := kafka.Message{
		Topic: c.Config.DeadLetterTopic(m.Topic), Key: m.Key, Value: m.Body,
		Headers: WireHeaders(sources.DeadLetterHeaders(m, reason, time.Now()), l.headers),
	}
	if l.cut >= 0 {
		markCut(&letter, l.cut)
	}
	err := c.Write(ctx, letter, client.ByKey)
	for limit := size(&letter) - minDeadLetter; errors.Is(err, kafka.MessageSizeTooLarge) && limit > 0; limit = min(limit, size(&letter)) / 2 {
		cut(&letter, max(limit, minDeadLetter), int64(len(m.Body)))
		err = c.Write(ctx, letter, client.ByKey)
	}
	if err != nil {
		return fmt.Errorf("write dead letter of %s: %w", m.Place(), c.ExplainDeadLetters(letter.Topic, err))
	}
	return nil
}

// markCut says in a dead letter that the original had length bytes, and not all of
// them are here.
func markCut(letter *kafka.Message, length int64) {
	mark := kafka.Header{Key: sources.CutHeader, Value: strconv.AppendInt(nil, length, 10)}
	if !slices.ContainsFunc(letter.Headers, func(h kafka.Header) bool { return h.Key == mark.Key }) {
		letter.Headers = append(letter.Headers, mark)
	}
}

// cut makes a dead letter fit into limit bytes. Our headers say where the original
// is; of its own headers, its key and its value stays what fits.
func cut(letter *kafka.Message, limit int, length int64) {
	markCut(letter, length)
	headers := func() int { return size(letter) - len(letter.Value) - len(letter.Key) }
	if headers() > limit/2 { // the only long part that is ours
		letter.Headers = slices.DeleteFunc(letter.Headers, func(h kafka.Header) bool { return h.Key == "x-dlq-error" })
	}
	for longest := longestHeader(letter); longest >= 0 && headers() > limit/2; longest = longestHeader(letter) {
		letter.Headers = slices.Delete(letter.Headers, longest, longest+1)
	}
	if len(letter.Key) > limit/4 {
		letter.Key = nil // a part of it would be another key
	}
	room := max(limit-headers()-len(letter.Key), 0)
	letter.Value = letter.Value[:min(len(letter.Value), room)]
}

// longestHeader is the publisher's longest header; -1 if there is none.
func longestHeader(letter *kafka.Message) int {
	longest := -1
	for i, h := range letter.Headers {
		if !sources.IsDeadLetterHeader(h.Key) && (longest < 0 || len(h.Value) > len(letter.Headers[longest].Value)) {
			longest = i
		}
	}
	return longest
}

func size(letter *kafka.Message) int {
	n := len(letter.Key) + len(letter.Value)
	for _, h := range letter.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// WireHeaders are headers as Kafka has them: it tells null from empty, which those
// of notifications do not. What is null in originals is null.
func WireHeaders(of []envelope.Header, originals []record.Header) []kafka.Header {
	headers := make([]kafka.Header, len(of))
	for i, h := range of {
		headers[i] = kafka.Header{Key: h.Key, Value: []byte(h.Value)}
		same := slices.IndexFunc(originals, func(o record.Header) bool { return o.Key == h.Key && string(o.Value) == h.Value })
		if same >= 0 { // those before it were ours, and are not among the headers
			headers[i].Value = originals[same].Value
			originals = originals[same+1:]
		}
	}
	return headers
}
