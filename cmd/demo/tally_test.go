package main

import (
	"slices"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// at is a moment after the beginning.
func at(seconds int) time.Time { return time.Unix(int64(seconds), 0) }

// goodEvidence is two notifications shown at 1 and 2, and a dead letter of 3.
func goodEvidence() evidence {
	return evidence{
		texts:       map[uint64]string{1: "one", 2: "two", 3: ""},
		posts:       []sinktest.Post{{Body: "one", At: at(1)}, {Body: "two", At: at(2)}},
		deadLetters: []deadLetter{{place: 3, at: at(3)}},
		acks:        map[uint64]time.Time{1: at(2), 2: at(3), 3: at(4)},
		acked:       3,
	}
}

// The summary must be able to come out badly.
func TestTally(t *testing.T) {
	good := tally{published: 3, shown: 2, deadLetters: 1, acknowledged: 3}
	for name, c := range map[string]struct {
		spoil func(*evidence)
		want  func(*tally)
		ok    bool
	}{
		"good":                     {func(*evidence) {}, func(*tally) {}, true},
		"not shown, not acked":     {func(e *evidence) { e.posts = e.posts[:1]; delete(e.acks, 2); e.acked = 1 }, func(t *tally) { t.shown, t.acknowledged, t.lost = 1, 1, 1 }, false},
		"acknowledged for nothing": {func(e *evidence) { e.posts = e.posts[:1] }, func(t *tally) { t.shown, t.lost, t.early = 1, 1, 1 }, false},
		"shown twice":              {func(e *evidence) { e.posts = slices.Concat(e.posts, e.posts[:1]) }, func(t *tally) { t.shown, t.repeated = 3, 1 }, false},
		"twice instead of another": {func(e *evidence) { e.posts[1].Body = "one" }, func(t *tally) { t.lost, t.repeated, t.early = 1, 1, 1 }, false},
		"acknowledged early":       {func(e *evidence) { e.acks[2] = at(1) }, func(t *tally) { t.early = 1 }, false},
		"no dead letter":           {func(e *evidence) { e.deadLetters = nil }, func(t *tally) { t.deadLetters, t.lost, t.early = 0, 1, 1 }, false},
		"shown and dead":           {func(e *evidence) { e.deadLetters = append(e.deadLetters, deadLetter{2, at(1)}) }, func(t *tally) { t.deadLetters = 2 }, false},
		"not acknowledged":         {func(e *evidence) { e.acked = 2 }, func(t *tally) { t.acknowledged = 2 }, false},
		"never published":          {func(e *evidence) { e.posts = append(e.posts, sinktest.Post{Body: "?"}) }, func(t *tally) { t.shown = 3 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			e, want := goodEvidence(), good
			c.spoil(&e)
			c.want(&want)
			got := e.tally()
			if got != want || (got.check() == nil) != c.ok {
				t.Errorf("got %+v (%v), want %+v", got, got.check(), want)
			}
		})
	}
}
