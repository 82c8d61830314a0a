package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// ackSubject is where the broker tells of every acknowledgement.
const ackSubject = "$JS.EVENT.METRIC.CONSUMER.ACK." + streamName + "." + durableName

// watch shows what the broker hears from the worker.
type watch struct {
	broker *broker
	screen *screen
	shown  progress // belongs to the goroutine

	mu   sync.Mutex
	acks map[uint64]time.Time // when the broker heard, by place in the stream
}

func newWatch(b *broker, s *screen) *watch {
	return &watch{broker: b, screen: s, acks: map[uint64]time.Time{}}
}

// start watches until the returned function is called. Dead letters and
// acknowledgements share a channel, which keeps their order.
func (w *watch) start() (stop func(), err error) {
	events := make(chan *nats.Msg, 1024)
	for _, subject := range []string{ackSubject, "dlq.>"} {
		if _, err := w.broker.conn.ChanSubscribe(subject, events); err != nil {
			return nil, fmt.Errorf("watch %s: %w", subject, err)
		}
	}
	if err := w.broker.conn.Flush(); err != nil {
		return nil, fmt.Errorf("watch the broker: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { w.follow(ctx, events) })
	return func() { cancel(); watching.Wait() }, nil
}

func (w *watch) follow(ctx context.Context, events <-chan *nats.Msg) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-events:
			if m.Subject == ackSubject {
				w.acknowledged(ctx, m)
			} else {
				w.deadLetter(m)
			}
		}
	}
}

func (w *watch) deadLetter(m *nats.Msg) {
	w.screen.line(red, "dead", fmt.Sprintf("letter in the stream %s: %s\nreason: %s",
		lettersName, m.Subject, m.Header.Get("x-dlq-error")))
}

// acknowledged shows how far the acknowledgements reach without a gap, if
// that is news.
func (w *watch) acknowledged(ctx context.Context, m *nats.Msg) {
	var ack server.JSConsumerAckMetric
	if json.Unmarshal(m.Data, &ack) != nil {
		return // missed in the summary
	}
	now, err := w.broker.progress(ctx)
	if err == nil && now.acked > w.shown.acked {
		w.shown = now
		w.screen.line(green, "ack", fmt.Sprintf("up to %d of %d", now.acked, now.last))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acks[ack.StreamSeq] = ack.Time
}

// times returns when the broker heard of each acknowledgement.
func (w *watch) times() map[uint64]time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.acks)
}

// settled waits until everything in the stream is acknowledged, and shown to
// be so.
func (w *watch) settled(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := w.broker.progress(ctx)
		if err != nil {
			return err
		}
		told := uint64(len(w.times()))
		if now.acked == now.last && told == now.last {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d acknowledged, %d told of: %w", now.acked, now.last, told, ctx.Err())
		}
	}
}
