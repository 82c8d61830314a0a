package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

// partition reads one assigned partition into its tracker.
type partition struct {
	gen      *generation
	topic    string
	id       int
	current  client.Topic     // what the topic is, known when the generation is ready
	start    client.Committed // where to begin, known likewise
	tracker  *tracker
	progress *progress

	failing   bool        // the last fetch failed
	stalled   bool        // there is no progress, which has been logged
	recreated atomic.Bool // the topic is another one now: nothing of it may be committed
}

func newPartition(g *generation, topic string, id, of int) *partition {
	return &partition{
		gen: g, topic: topic, id: id, tracker: newTracker(spanLimit, of, g.source.wake, g.dirty), progress: newProgress(),
	}
}

// place is the partition's name for the client.
func (p *partition) place() client.Place { return client.Place{Topic: p.topic, Partition: p.id} }

func (p *partition) name() string { return fmt.Sprintf("%s[%d]", p.topic, p.id) }

func (p *partition) log() *slog.Logger {
	return p.gen.source.log.With("topic", p.topic, "partition", p.id)
}

// fetch reads the partition until ctx ends, or the topic turns out to be another
// one.
func (p *partition) fetch(ctx context.Context) {
	if !p.gen.awaitReady(ctx) {
		return
	}
	p.tracker.begin(p.start.Offset)
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
		p.put(&item)
	}
}

// awaitSpace waits until more can be read. Meanwhile others may need the memory.
func (p *partition) awaitSpace(ctx context.Context, r *reader.Reader) bool {
	if p.tracker.hasSpace() {
		return ctx.Err() == nil
	}
	p.progress.wait(true)
	defer p.progress.wait(false)
	return p.tracker.awaitSpace(ctx, func() {
		if r.Contended() {
			r.Yield()
		}
	})
}

// put takes in what was read.
func (p *partition) put(item *reader.Item) {
	var l *lease
	if !item.Empty {
		l = newLease(p, item)
	}
	p.tracker.put(l, mark{offset: item.Last + 1, epoch: item.Epoch})
}

// noteFetch logs what a fetch says, and reports that it brought something.
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
