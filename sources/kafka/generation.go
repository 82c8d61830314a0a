package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

const (
	// commitPause ends the gathering of acknowledgements when no other follows for so
	// long: what is not committed is repeated after a crash.
	commitPause = 5 * time.Millisecond
	// commitRetry is the pause after a commit that failed.
	commitRetry = time.Second
	// drainPause is how long a generation that ends waits for the next message
	// to be settled. While the room answers, even a slow one, they follow each
	// other; when it is down the group need not wait for it.
	drainPause = 2 * time.Second
)

// drainBudget is the longest that a generation waits for what is pending when it ends. No
// heartbeats are sent meanwhile, so it must stay below the session timeout, and
// well below the rebalance timeout, which is three times as long.
func drainBudget(session time.Duration) time.Duration {
	return min(session*2/3, 10*time.Second)
}

// generation is our part in one generation of the group: the partitions
// assigned to us, and the one goroutine that commits them. A delivery is bound
// to its generation; once that is over, settling it changes nothing.
type generation struct {
	source     *Source
	group      string
	member     client.Member
	partitions []*partition
	dirty      chan struct{} // something was settled
	lost       chan struct{} // closed when the generation is over, to be drained

	ready   chan struct{}           // closed when it is known where the partitions begin
	topics  map[string]client.Topic // as they were then
	gone    error                   // a topic that existed does not any more
	unsaved error                   // the last commit's error
}

func newGeneration(s *Source, gen *kafka.Generation) *generation {
	g := &generation{
		source: s, group: gen.GroupID, member: client.Member{Generation: gen.ID, ID: gen.MemberID},
		partitions: []*partition{}, dirty: make(chan struct{}, 1), lost: make(chan struct{}), ready: make(chan struct{}),
	}
	total := 0
	for _, assigned := range gen.Assignments {
		total += len(assigned)
	}
	for _, topic := range slices.Sorted(maps.Keys(gen.Assignments)) {
		for _, a := range gen.Assignments[topic] {
			g.partitions = append(g.partitions, newPartition(g, topic, a.ID, total))
		}
	}
	return g
}

func (g *generation) names() []string {
	names := make([]string, len(g.partitions))
	for i, p := range g.partitions {
		names[i] = p.name()
	}
	return names
}

// commitLoop commits as soon as there is something to commit. When the
// generation ends it gives what is pending some time to be settled.
func (g *generation) commitLoop(ctx context.Context) {
	defer g.end()
	for g.waitDirty(ctx) && g.gather(ctx) {
		if g.commit(ctx) != nil && backoff.Wait(ctx, commitRetry) {
			signal(g.dirty)
		}
	}
	g.source.detach()
	close(g.lost) // what has not been sent is for the next owner
	budget, cancel := context.WithTimeout(g.source.dead, drainBudget(g.source.client.Config.SessionTimeout))
	defer cancel()
	g.drain(budget)
	g.finish(budget)
}

// end releases everything that is still pending. The library joins the group anew
// as soon as it has returned.
func (g *generation) end() {
	g.source.balancer.leave(g.member.Generation, g.clean())
	for _, p := range g.partitions {
		p.tracker.end()
	}
}

func (g *generation) waitDirty(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-g.dirty:
		return true
	}
}

// gather waits until a commit is worth its while: half as much is settled as is pending, or
// nothing follows. A commit costs the broker as much as a hundred messages; but the worker
// may have few unacknowledged messages, and must not run dry.
func (g *generation) gather(ctx context.Context) bool {
	late := time.NewTimer(commitPause)
	defer late.Stop()
	for {
		if uncommitted, pending := g.counts(); 2*uncommitted >= pending {
			return true
		}
		select {
		case <-g.dirty:
			late.Reset(commitPause)
		case <-late.C:
			return true
		case <-ctx.Done():
			return false
		}
	}
}

// drain waits until everything that is pending is settled or released, as long as
// there is progress, and commits on the way. A source that closes does not wait:
// its worker has settled what it could. Neither does one that the group has
// gone on without.
func (g *generation) drain(ctx context.Context) {
	stalled := time.NewTimer(drainPause)
	defer stalled.Stop()
	for g.pending() > 0 {
		select {
		case <-g.dirty:
			if fenced(g.commit(ctx)) {
				return
			}
			stalled.Reset(drainPause)
		case <-stalled.C:
			return
		case <-ctx.Done():
			return
		case <-g.source.closing.Done():
			return
		}
	}
}

// finish makes the last commit. The connection may be the reason why the
// generation ended, so it is tried again on another one: the broker still knows
// the member, and accepts it unless the group has gone on without us.
func (g *generation) finish(ctx context.Context) {
	err := g.commit(ctx)
	for err != nil && !fenced(err) && backoff.Wait(ctx, commitRetry/10) {
		err = g.commit(ctx)
	}
	g.source.log.Info("kafka partitions released", "group", g.group,
		"generation", g.member.Generation, "pending", g.pending(), "committed", err == nil)
}

// clean lists the partitions of which everything that was sent is committed.
func (g *generation) clean() map[string][]int {
	list := map[string][]int{}
	for _, p := range g.partitions {
		if p.tracker.clean() {
			list[p.topic] = append(list[p.topic], p.id)
		}
	}
	return list
}

// counts adds up what could be committed now, and what is pending.
func (g *generation) counts() (uncommitted, pending int) {
	for _, p := range g.partitions {
		u, n := p.tracker.counts()
		uncommitted, pending = uncommitted+u, pending+n
	}
	return uncommitted, pending
}

func (g *generation) pending() int {
	_, pending := g.counts()
	return pending
}

// commit sends what has been settled since the last commit. It is called by
// one goroutine at a time: the broker keeps the last offset it is sent, not the
// highest.
func (g *generation) commit(ctx context.Context) error {
	offsets := map[client.Place]client.Committed{}
	marks := map[*partition]mark{}
	for _, p := range g.partitions {
		if m, ok := p.tracker.progress(); ok && !p.recreated.Load() {
			marks[p] = m
			offsets[p.place()] = client.Committed{Offset: m.offset, Topic: p.current.ID, Epoch: m.epoch}
		}
	}
	if len(marks) == 0 {
		return nil
	}
	err := g.source.client.Commit(ctx, g.member, offsets)
	g.noteCommit(err)
	if err != nil {
		return err
	}
	for p, m := range marks {
		p.tracker.commit(m)
	}
	return nil
}

// noteCommit logs when commits begin to fail and when they work again.
func (g *generation) noteCommit(err error) {
	switch {
	case errors.Is(err, context.Canceled): // the last commit follows
		return
	case err != nil && g.unsaved == nil:
		g.source.log.Warn("kafka commit failed", "group", g.group, "error", err)
	case err == nil && g.unsaved != nil:
		g.source.log.Info("kafka commit succeeded again", "group", g.group)
	}
	g.unsaved = nil
	if err != nil {
		g.unsaved = fmt.Errorf("commit offsets of group %s: %w", g.group, g.source.client.Explain(err))
	}
}

// watch ends the generation, by returning, when a topic has other partitions than when the
// generation began, is another one, or is gone, or when the shares are uneven once there was
// time to bring into order what made them so. The library's own watcher is not used: it
// rejoins without pause while a topic is missing. It measures the partitions as well: what is
// fetched tells their ends, too, but while the room is down nothing is.
func (g *generation) watch(ctx context.Context) {
	if !g.prepare(ctx) {
		return
	}
	began := time.Now()
	for misses := 0; misses < 2; {
		if g.measure(ctx); !backoff.Wait(ctx, g.source.poll) {
			return
		}
		if time.Since(began) >= g.source.client.Config.SessionTimeout && g.source.balancer.isUneven() {
			g.source.log.Debug("kafka partitions are rebalanced to even shares", "group", g.group)
			return
		}
		topics, err := g.source.client.SourceTopics(ctx)
		switch {
		case errors.Is(err, kafka.UnknownTopicOrPartition):
			if misses++; misses == 2 { // a broker that just started may not know it yet
				g.gone = err
			}
		case err == nil && g.changed(topics):
			return
		default:
			misses = 0
		}
	}
}

// measure asks for the ends of the partitions that nothing else has told of, and looks for
// those without progress.
func (g *generation) measure(ctx context.Context) {
	for _, p := range g.partitions {
		if !p.progress.fresh(g.source.poll / 2) {
			end, err := g.source.client.Offset(ctx, p.current, p.id, client.End)
			if err != nil {
				return // fetches tell of it; until the next time the last answers count
			}
			p.progress.measured(end)
		}
		p.noteStall()
	}
}

// changed reports that the group has to share out the partitions anew.
func (g *generation) changed(topics map[string]client.Topic) bool {
	for name, topic := range topics {
		before := g.topics[name]
		if topic.ID != before.ID {
			return true // the next generation tells
		}
		if len(topic.Leaders) != len(before.Leaders) {
			g.source.log.Info("kafka partitions changed", "topic", name, "before", len(before.Leaders), "now", len(topic.Leaders))
			return true
		}
	}
	return false
}
