package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// coreWord stands for the stream in the subject of a dead letter of core NATS.
const coreWord = "core"

// errLoop is a stream that receives its own dead letters.
var errLoop = errors.New("the stream captures its own dead letters: exclude them from its subjects, or change NATS_DLQ_SUBJECT")

// lettersOf is where the subjects of the dead letters of a stream begin.
func lettersOf(dlqSubject, stream string) string {
	if stream == "" {
		stream = coreWord
	}
	return dlqSubject + "." + stream + "."
}

// bury publishes the dead letter of m and waits until a stream has stored it.
// Without a connection it does not even try: every try would add to the client's
// buffer, which the acknowledgements need.
func bury(ctx context.Context, js jetstream.JetStream, dlqSubject string, m *sources.Message, reason sources.Reason) error {
	prefix := lettersOf(dlqSubject, m.Stream)
	if strings.HasPrefix(m.Topic, prefix) {
		return fmt.Errorf("subject %s: %w", m.Topic, errLoop)
	}
	if !js.Conn().IsConnected() {
		return errOffline
	}
	letter := deadLetter(prefix+m.Topic, m, reason)
	stored, err := js.PublishMsg(ctx, letter)
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return noLetters(prefix+">", err)
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("dead letter is too large with its headers: raise the server's max_payload: %w", err)
	case err != nil:
		return fmt.Errorf("publish dead letter to %s: %w", letter.Subject, err)
	case stored.Stream == m.Stream:
		return fmt.Errorf("subject %s: %w", letter.Subject, errLoop)
	}
	return nil
}

// deadLetter is m as it was published, with the reason added. Control headers
// would be obeyed by the stream that stores it, so they are dropped. Its
// message id is the same at every try: only the first one is stored.
func deadLetter(subject string, m *sources.Message, reason sources.Reason) *nats.Msg {
	letter := nats.NewMsg(subject)
	letter.Data = m.Body
	for _, h := range sources.DeadLetterHeaders(m, reason, time.Now()) {
		if !strings.HasPrefix(strings.ToLower(h.Key), "nats-") {
			letter.Header[h.Key] = append(letter.Header[h.Key], h.Value)
		}
	}
	letter.Header.Set(jetstream.MsgIDHeader, letterID(m))
	return letter
}

// letterID has the time in it for a stream that was recreated: its numbers
// repeat.
func letterID(m *sources.Message) string {
	if m.Serial != "" {
		return "dlq-" + coreWord + "-" + m.Serial
	}
	return fmt.Sprintf("dlq-%s-%s-%d-%d", m.Stream, m.Consumer, m.Offset, m.Time.UnixNano())
}
