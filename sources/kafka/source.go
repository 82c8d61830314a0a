// Package kafka reads notifications from Kafka topics as a member of a
// consumer group, and commits an offset only when everything before it has
// been settled.
//
// The library's group reader is not used: it commits the highest offset that
// it is given, whatever lies below. Here each assigned partition has a reader
// and a tracker of its own, and one goroutine per group generation
// commits (see generation).
package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

var errClosed = errors.New("kafka source is closed")

// Source is a member of a Kafka consumer group.
type Source struct {
	log    *slog.Logger
	client *client.Client
	poll   time.Duration // between two looks at the partition counts

	balancer *balancer
	memory   *reader.Memory
	topicIDs map[string]client.TopicID // of the last generation, whose offsets the brokers delete with a topic

	closing, dead context.Context //nolint:containedctx // the source's life, not a call's: Close has begun; its time is up
	stop, kill    context.CancelFunc
	done          chan struct{}

	wake chan struct{} // there may be something to take

	mu         sync.Mutex
	partitions []*partition // of the current generation; nil if there is none
	turn       int          // the partition to take from next
	failure    error        // why there is nothing, until Receive has told
	serving    bool         // a generation is at work
	joined     bool         // in the group, or on the way from one generation to the next
	problem    error        // why not, if that is known
	unsaved    error        // why the last commit of the one before failed
}

var _ sources.Source = (*Source)(nil)

// pollPause is the pause between two looks at the partition counts.
const pollPause = 30 * time.Second

// Open starts to join the consumer group, in the background and until it
// succeeds; Receive tells what is in the way. The error is about cfg alone.
func Open(cfg Config, log *slog.Logger) (*Source, error) {
	return open(cfg, log, pollPause)
}

func open(cfg Config, log *slog.Logger, poll time.Duration) (*Source, error) {
	c, err := client.New(cfg)
	if err != nil {
		return nil, err
	}
	memory, err := reader.NewMemory(cfg.MaxBatch)
	if err != nil {
		return nil, err
	}
	s := &Source{
		memory: memory, topicIDs: map[string]client.TopicID{},
		log: log, client: c, poll: poll, balancer: &balancer{},
		done: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	s.closing, s.stop = context.WithCancel(context.Background())
	s.dead, s.kill = context.WithCancel(context.Background())
	go func() {
		defer close(s.done)
		s.run(s.closing)
		s.memory.Close()
	}()
	return s, nil
}

// String names the source in logs.
func (s *Source) String() string { return "kafka:" + strings.Join(s.client.Config.Topics, ",") }

// Receive returns what the assigned partitions have ready, in turn and at most
// limit, and waits for a first delivery. Its error tells why there is none.
func (s *Source) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if batch, err := s.take(limit); len(batch) > 0 || err != nil {
			return batch, err
		}
		select {
		case <-ctx.Done():
		case <-s.closing.Done():
			return nil, errClosed
		case <-s.wake:
		}
	}
}

// take empties the partitions' queues. Each gets its share of the limit, so
// that a busy partition does not keep the others waiting.
func (s *Source) take(limit sources.Limit) ([]*sources.Delivery, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var batch []*sources.Delivery
	messages, bytes := 0, 0
	fits := func(size int) bool {
		if !limit.Fits(messages, bytes, size) {
			return false
		}
		messages, bytes = messages+1, bytes+size
		return true
	}
	for idle := 0; idle < len(s.partitions) && limit.Fits(messages, bytes, 0); idle++ {
		s.turn = (s.turn + 1) % len(s.partitions)
		before := messages
		share := max((limit.Messages-before)/(len(s.partitions)-idle), 1)
		if batch = s.partitions[s.turn].tracker.take(batch, share, fits); messages > before {
			idle = -1
		}
	}
	if len(batch) > 0 {
		return batch, nil
	}
	err := s.failure
	s.failure = nil // told once; the next attempt sets it again
	return nil, err
}

// attach opens the partitions of a new generation to Receive.
func (s *Source) attach(partitions []*partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions, s.turn, s.serving = partitions, 0, true
}

// receiving notes that it is known where the partitions begin.
func (s *Source) receiving() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.joined, s.failure = true, nil
}

// detach ends that: when it returns, no more of them is handed out.
func (s *Source) detach() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partitions = nil
}

// over notes how a generation ended.
func (s *Source) over(unsaved error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serving, s.unsaved = false, unsaved
}

// report keeps err for Receive. Those who call it pause between attempts, so
// a caller of Receive does not spin.
func (s *Source) report(err error) {
	s.mu.Lock()
	s.failure = err
	s.joined, s.problem = false, err
	s.mu.Unlock()
	s.notify()
}

// stallTimeout is how long a partition may make no progress.
func (s *Source) stallTimeout() time.Duration { return 2 * s.poll }

// notify lets Receive look again.
func (s *Source) notify() { signal(s.wake) }

// Stop does nothing: other members get the partitions when Close leaves the
// group, and what was not committed with them.
func (s *Source) Stop() {}

// Close commits what is settled and leaves the group. What is not settled is
// delivered again to whoever gets the partition. To be late with the leave alone
// is no error: the library may just be waiting for the group to form, which then
// goes on without us.
func (s *Source) Close(ctx context.Context) error {
	s.stop()
	select {
	case <-s.done:
	case <-ctx.Done():
	}
	s.mu.Lock()
	err := s.unsaved
	if s.serving {
		err = fmt.Errorf("commit to group %s: %w", s.client.Config.GroupID, ctx.Err())
	}
	s.mu.Unlock()
	s.kill()
	s.client.Close()
	return err
}

// signal sets a flag that a goroutine waits for.
func signal(flag chan<- struct{}) {
	select {
	case flag <- struct{}{}:
	default:
	}
}
