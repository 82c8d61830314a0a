package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

const (
	// spanLimit bounds the messages that are pending or not yet committed:
	// the most that a crash can repeat of one partition. It is what is read
	// while two commits go their way, 6 ms each on Kafka 4, which gathers them.
	spanLimit = 4096
	// fetchRetry is the pause after a fetch that failed.
	fetchRetry = time.Second
)

// partition reads one assigned partition. Its messages wait in the queue until
// Receive takes them; only then are they tracked.
type partition struct {
	gen      *generation
	topic    string
	id       int
	current  client.Topic     // what the topic is, known when the generation is ready
	start    client.Committed // where to begin, known likewise
	queue    *queue
	taken    []*lease // take's, to use again
	tracker  *tracker
	progress *progress

	failing   bool        // the last fetch failed
	stalled   bool        // there is no progress, which has been logged
	recreated atomic.Bool // the topic is another one now: nothing of it may be committed
}

func newPartition(g *generation, topic string, id, of int) *partition {
	return &partition{
		gen: g, topic: topic, id: id, queue: newQueue(of), tracker: newTracker(spanLimit), progress: newProgress(),
	}
}

// place is the partition's name for the client.
func (p *partition) place() client.Place { return client.Place{Topic: p.topic, Partition: p.id} }

func (p *partition) name() string { return fmt.Sprintf("%s[%d]", p.topic, p.id) }

func (p *partition) log() *slog.Logger {
	return p.gen.source.log.With("topic", p.topic, "partition", p.id)
}

// take hands out what is ready, at most limit, and appends it to batch. It skips
// what is no message, and is not called concurrently.
func (p *partition) take(batch []*sources.Delivery, limit int, fits func(size int) bool) []*sources.Delivery {
	p.taken = p.queue.take(p.taken[:0], min(limit, p.tracker.room()), fits)
	p.tracker.add(p.taken)
	batch = slices.Grow(batch, len(p.taken))
	for _, l := range p.taken {
		p.progress.handedOut(l.mark.offset - 1)
		if l.empty {
			l.settle(nil)
			continue
		}
		batch = append(batch, l.delivery)
	}
	clear(p.taken)
	return batch
}

// fetch reads the partition until ctx ends, or the topic turns out to be another
// one.
func (p *partition) fetch(ctx context.Context) {
	if !p.gen.awaitReady(ctx) || !p.begin(ctx) {
		return
	}
	s := p.gen.source
	r := reader.New(s.client, s.memory, len(p.gen.partitions), p.current, p.id, p.start.Offset, p.start.Epoch)
	defer r.Close()
	for p.awaitSpace(ctx, r) {
		item, err := r.Next(ctx)
		if ctx.Err() != nil {
			return
		}
		idle := errors.Is(err, reader.ErrIdle)
		if idle {
			err = nil
		}
		p.progress.note(r, p.explain(err))
		if errors.Is(err, reader.ErrRecreated) {
			p.recreated.Store(true) // the next generation begins anew
			return
		}
		if !p.noteFetch(err) || idle {
			continue
		}
		p.queue.put(newLease(p, &item), s.notify)
	}
}

// awaitSpace waits until more can be read. Meanwhile others may need the memory.
func (p *partition) awaitSpace(ctx context.Context, r *reader.Reader) bool {
	if p.queue.hasSpace() {
		return ctx.Err() == nil
	}
	p.progress.wait(true)
	defer p.progress.wait(false)
	return p.queue.awaitSpace(ctx, func() {
		if r.Contended() {
			r.Yield()
		}
	})
}

// begin makes a number of "earliest" and "latest" once, and has it committed at once:
// so a restart does not skip what came meanwhile, and the group knows where it is in a
// partition in which there is nothing to read yet.
func (p *partition) begin(ctx context.Context) bool {
	for p.start.Offset < 0 {
		at, err := p.gen.source.client.Offset(ctx, p.current, p.id, client.Position(p.start.Offset))
		if err != nil {
			p.noteFetch(err)
			if !backoff.Wait(ctx, fetchRetry) {
				return false
			}
			continue
		}
		p.start.Offset = at
		l := &lease{partition: p, mark: mark{offset: at, epoch: -1}}
		p.tracker.add([]*lease{l})
		l.settle(nil)
	}
	p.progress.start(p.start.Offset)
	return true
}

// noteFetch logs what a fetch says, and reports that it brought something. It
// pauses if reading failed.
func (p *partition) noteFetch(err error) bool {
	if jump, ok := errors.AsType[*reader.JumpError](err); ok {
		p.noteJump(jump)
		return false
	}
	if failed := err != nil; failed != p.failing {
		p.failing = failed
		if failed {
			p.log().Warn("kafka fetch failed, retrying", "error", p.explain(err))
		} else {
			p.log().Info("kafka fetch succeeded again")
		}
	}
	return err == nil
}

// explain names the topic and the fix.
func (p *partition) explain(err error) error {
	if err == nil {
		return nil
	}
	return p.gen.source.client.ExplainTopic(p.topic, err)
}

// noteJump tells when the log no longer has what we would have read, or what we
// have read.
func (p *partition) noteJump(j *reader.JumpError) {
	if j.Truncated {
		p.log().Error("kafka log was truncated: messages that were read may come again, and others may be lost", "from", j.From, "to", j.To)
		return
	}
	p.log().Warn("kafka messages were removed before they were read", "from", j.From, "to", j.To-1)
}

// noteStall logs when progress ends and when it begins again.
func (p *partition) noteStall() {
	err := p.progress.stalled(p.gen.source.stallTimeout())
	if stalled := err != nil; stalled != p.stalled {
		p.stalled = stalled
		if stalled {
			p.log().Warn("kafka partition makes no progress", "error", err)
		} else {
			p.log().Info("kafka partition makes progress again")
		}
	}
}
