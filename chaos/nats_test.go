//go:build real

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// natsServer is the broker of all trials.
type natsServer struct {
	url string
	js  jetstream.JetStream
}

func startNATS(t *testing.T, dir string) *natsServer {
	t.Helper()
	server, err := testbed.NATS(t.Context(), testbed.Options{Dir: dir})
	must(t, err)
	t.Cleanup(func() { must(t, server.Kill()) })
	conn, err := nats.Connect(server.URL)
	must(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	must(t, err)
	return &natsServer{server.URL, js}
}

// fill makes a stream with n notifications, numbered from 1, and returns the
// worker's settings for it. Behind every so many, if poison is not 0, comes one with
// the text, or, if that is empty, something that is none.
func (s *natsServer) fill(ctx context.Context, name string, n, poison int, text string) (map[string]string, error) {
	for _, c := range []jetstream.StreamConfig{
		{Name: name, Subjects: []string{name}},
		{Name: name + "-dlq", Subjects: []string{"dlq." + name + ".>"}},
	} {
		if _, err := s.js.CreateStream(ctx, c); err != nil {
			return nil, err
		}
	}
	for i := range n {
		bodies := []string{fmt.Sprintf(`{"id":"%s-%d","source":"chaos","severity":"warning","subject":"n %d","message":"%s"}`,
			name, i+1, i+1, strings.Repeat("lorem ipsum ", 18))}
		if poison > 0 && (i+1)%poison == poison/2 { // the last is none: what follows proves that the room is well
			bodies = append(bodies, poisonBody(fmt.Sprintf("%s-poison-%d", name, i), text))
		}
		for _, body := range bodies {
			if _, err := s.js.PublishAsync(name, []byte(body), jetstream.WithStallWait(10*time.Second)); err != nil {
				return nil, err
			}
		}
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return map[string]string{"SOURCES": "nats", "NATS_URL": s.url, "NATS_STREAM": name, "NATS_CREATE": "true"}, nil
}

func poisonBody(id, text string) string {
	if text == "" {
		return `{"id":"broken`
	}
	return fmt.Sprintf(`{"id":"%s","source":"chaos","severity":"warning","subject":"poison","message":"%s"}`, id, text)
}

// acked returns how many leading notifications are acknowledged.
func (s *natsServer) acked(ctx context.Context, stream string) (int, error) {
	consumer, err := s.js.Consumer(ctx, stream, "xmpp-notifier")
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return int(consumer.CachedInfo().AckFloor.Stream), nil //nolint:gosec // a few thousand
}

// deadLetters returns how many dead letters there are.
func (s *natsServer) deadLetters(ctx context.Context, stream string) (int, error) {
	letters, err := s.js.Stream(ctx, stream+"-dlq")
	if err != nil {
		return 0, err
	}
	return int(letters.CachedInfo().State.Msgs), nil //nolint:gosec // a few hundred
}

// drop deletes what a trial needed.
func (s *natsServer) drop(ctx context.Context, stream string) error {
	return errors.Join(s.js.DeleteStream(ctx, stream), s.js.DeleteStream(ctx, stream+"-dlq"))
}
