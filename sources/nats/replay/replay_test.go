package replay_test

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/replay"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

const maxPayload = 64 << 10

// newBroker starts a server that takes small messages only, with the stream, the
// durable and a place for dead letters.
func newBroker(t *testing.T) *natstest.Broker {
	t.Helper()
	b := natstest.StartServer(t, "max_payload: "+strconv.Itoa(maxPayload))
	b.CreateStream(t)
	b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: sourcetest.Patience, MaxDeliver: -1})
	natstest.Must(t, b.CreateDeadLetters(t.Context()))
	return b
}

func open(t *testing.T, b *natstest.Broker) sources.Source {
	t.Helper()
	cfg := source.Config{Stream: natstest.Stream, Consumer: natstest.Durable, AckWait: sourcetest.Patience}
	src, err := source.Open(natstest.Settings(b.Addr()), cfg, slog.New(slog.NewTextHandler(t.Output(), nil)))
	natstest.Must(t, err)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	return src
}

// largest are messages of exactly the largest size that the server takes.
func largest() map[string]*client.Msg {
	body := client.NewMsg("notify.a")
	body.Data = []byte(strings.Repeat("x", maxPayload))
	header := client.NewMsg("notify.a")
	header.Header.Set("Long", strings.Repeat("h", maxPayload-100))
	header.Header.Set("Short", "kept")
	return map[string]*client.Msg{"body": body, "header": header}
}

// A message of the largest size becomes a dead letter, too, although the headers
// of that do not fit: it is cut, and says so. Replayed, it is whole again.
func TestLargestMessage(t *testing.T) {
	t.Parallel()
	for name, m := range largest() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBroker(t)
			_, err := b.JS.PublishMsg(t.Context(), m)
			natstest.Must(t, err)
			src := open(t, b)
			d := sourcetest.Next(t, src, 1)[0]
			natstest.Must(t, d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}))
			b.Settles(t, 1)
			letter := oneLetter(t, b)
			if letter.Get("x-dlq-reason") != "decode" || letter.Get(sources.CutHeader) != strconv.Itoa(len(m.Data)) || letter.Get("Short") != m.Header.Get("Short") {
				t.Errorf("letter of %d bytes with %v", len(letter.Body), letter.Header)
			}
			if !strings.HasPrefix(string(m.Data), string(letter.Body)) || len(m.Data) > 0 && len(letter.Body) < maxPayload/2 {
				t.Errorf("the letter keeps %d of %d bytes", len(letter.Body), len(m.Data))
			}
			letters := openLetters(t, b)
			natstest.Must(t, letters.Republish(t.Context(), letter))
			if again := sourcetest.Next(t, src, 1)[0]; string(again.Body) != string(m.Data) {
				t.Errorf("replayed, it has %d of %d bytes", len(again.Body), len(m.Data))
			}
		})
	}
}

// A cut letter whose original is gone is not replayed, and says why.
func TestCutLetterWithoutOriginal(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	_, err := b.JS.PublishMsg(t.Context(), largest()["body"])
	natstest.Must(t, err)
	natstest.Reject(t, sourcetest.Next(t, open(t, b), 1)[0])
	stream, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	natstest.Must(t, stream.Purge(t.Context()))
	if err := openLetters(t, b).Republish(t.Context(), oneLetter(t, b)); err == nil || !strings.Contains(err.Error(), "only a part of the original") {
		t.Errorf("error %v", err)
	}
}

// What a stream has under another subject than it was published with, or from another
// stream, cannot be published there again, and the error says why.
func TestMessagesFromElsewhere(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]jetstream.StreamConfig{
		"transformed": {Subjects: []string{"notify.>"}, SubjectTransform: &jetstream.SubjectTransformConfig{Source: "notify.>", Destination: "alerts.>"}},
		"a mirror":    {Mirror: &jetstream.StreamSource{Name: "ORIGIN"}},
		"sourced":     {Sources: []*jetstream.StreamSource{{Name: "ORIGIN"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := natstest.StartServer(t)
			if len(config.Subjects) == 0 {
				_, err := b.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ORIGIN", Subjects: []string{"notify.>"}})
				natstest.Must(t, err)
			}
			config.Name = natstest.Stream
			_, err := b.JS.CreateStream(t.Context(), config)
			natstest.Must(t, err)
			b.CreateConsumer(t, jetstream.ConsumerConfig{Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: sourcetest.Patience, MaxDeliver: -1})
			natstest.Must(t, b.CreateDeadLetters(t.Context()))
			b.PublishNotes(t, 0, 1)
			natstest.Reject(t, sourcetest.Next(t, open(t, b), 1)[0])
			if err := openLetters(t, b).Republish(t.Context(), oneLetter(t, b)); err == nil || !strings.Contains(err.Error(), "mirror, sources, subject_transform") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// The stream of the dead letters may take less than the server.
func TestSmallDeadLetterStream(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	_, err := b.JS.UpdateStream(t.Context(), jetstream.StreamConfig{Name: "DLQ", Subjects: []string{"dlq.>"}, MaxMsgSize: 4096})
	natstest.Must(t, err)
	_, err = b.JS.PublishMsg(t.Context(), largest()["body"])
	natstest.Must(t, err)
	natstest.Reject(t, sourcetest.Next(t, open(t, b), 1)[0])
	b.Settles(t, 1)
	if letter := oneLetter(t, b); len(letter.Body) == 0 || letter.Get(sources.CutHeader) == "" {
		t.Errorf("letter of %d bytes with %v", len(letter.Body), letter.Header)
	}
}

// Without JetStream the original is nowhere else.
func TestLargestMessageOfCore(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	src, err := core.Open(natstest.Settings(b.Addr()), core.Config{Subjects: []string{"core.>"}, Queue: "q", Buffer: 10}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	natstest.Must(t, err)
	t.Cleanup(func() { _ = src.Close(context.Background()) })
	m := largest()["body"]
	m.Subject = "core.a"
	natstest.Must(t, b.Conn.PublishMsg(m))
	natstest.Reject(t, sourcetest.Next(t, src, 1)[0])
	letters, err := replay.OpenCore(natstest.Settings(b.Addr()), "q", []string{"core.>"}, false)
	natstest.Must(t, err)
	t.Cleanup(func() { _ = letters.Close() })
	letter := only(t, letters)
	if !letter.IsCut() {
		t.Errorf("headers %v", letter.Header)
	}
	if err := letters.Republish(t.Context(), letter); err == nil || !strings.Contains(err.Error(), "only a part of the original") {
		t.Errorf("error %v", err)
	}
}

func openLetters(t *testing.T, b *natstest.Broker) *replay.DeadLetters {
	t.Helper()
	letters, err := replay.OpenJetStream(natstest.Settings(b.Addr()), natstest.Stream, natstest.Durable)
	natstest.Must(t, err)
	t.Cleanup(func() { _ = letters.Close() })
	return letters
}

func oneLetter(t *testing.T, b *natstest.Broker) *sources.DeadLetter {
	t.Helper()
	return only(t, openLetters(t, b))
}

// only expects one letter.
func only(t *testing.T, letters sources.DeadLetters) *sources.DeadLetter {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var list []*sources.DeadLetter
	natstest.Must(t, letters.Each(ctx, func(l *sources.DeadLetter) error { list = append(list, l); return nil }))
	if len(list) != 1 {
		t.Fatalf("%d letters, want one", len(list))
	}
	return list[0]
}
