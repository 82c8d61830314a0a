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
// worker's settings for it.
func (s *natsServer) fill(ctx context.Context, name string, n int) (map[string]string, error) {
	for _, c := range []jetstream.StreamConfig{
		{Name: name, Subjects: []string{name}},
		{Name: name + "-dlq", Subjects: []string{"dlq." + name + ".>"}},
	} {
		if _, err := s.js.CreateStream(ctx, c); err != nil {
			return nil, err
		}
	}
	for i := range n {
		body := fmt.Appendf(nil, `{"id":"%s-%d","source":"chaos","severity":"warning","subject":"n %d","message":"%s"}`,
			name, i+1, i+1, strings.Repeat("lorem ipsum ", 18))
		if _, err := s.js.PublishAsync(name, body, jetstream.WithStallWait(10*time.Second)); err != nil {
			return nil, err
		}
	}
	select {
	case <-s.js.PublishAsyncComplete():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return map[string]string{"SOURCES": "nats", "NATS_URL": s.url, "NATS_STREAM": name, "NATS_CREATE": "true"}, nil
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

// drop deletes what a trial needed.
func (s *natsServer) drop(ctx context.Context, stream string) error {
	return errors.Join(s.js.DeleteStream(ctx, stream), s.js.DeleteStream(ctx, stream+"-dlq"))
}
