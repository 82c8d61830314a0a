package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// watcher counts what an independent occupant of the room is shown. It comes
// back by itself when the server was away.
type watcher struct {
	t       *testing.T
	options observer.Options

	mu       sync.Mutex
	occupant *observer.Observer
	live     map[key]int       // times seen as it happened
	history  map[key]int       // times in the history of the present visit
	by       map[string]int    // different ones, by the nickname of who posted them
	first    map[key]string    // who posted it first, and when
	at       map[key]time.Time // when it was seen first, as it happened
	sequence []key             // in which they were seen first
	told     map[key]bool      // in a history since the server forgot all before; nil: it did not
	repeated int
	again    []repetition // the messages with which that was
	twice    []string
	last     [lanes]int
	disorder []string
	newest   map[string]int // in a lane, by a nickname
	names    names          // of the members of digests
	digests  map[string]int // times seen, by their ids
	together map[key]bool   // shown in a digest
	urgent   map[key]bool   // may overtake others
	late     []key          // shown for the first time after a newer one, by the same worker
}

type key struct{ lane, number int }

// marker is the part of the title that the tests put in to recognise.
var marker = regexp.MustCompile(`n (\d)-(\d+)`)

func watch(t *testing.T, o observer.Options) *watcher {
	t.Helper()
	w := &watcher{t: t, options: o, live: map[key]int{}, by: map[string]int{}, first: map[key]string{}, at: map[key]time.Time{}, newest: map[string]int{}, names: names{}, digests: map[string]int{}, together: map[key]bool{}, urgent: map[key]bool{}}
	w.options.OnMessage = w.message
	w.sit()
	t.Cleanup(func() { w.occupant.Close() })
	return w
}

// sit joins the room, as soon as the server allows.
func (w *watcher) sit() {
	w.t.Helper()
	until(w.t, "the observer is in the room", func(ctx context.Context) (bool, error) {
		w.mu.Lock()
		w.history = map[key]int{}
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(ctx, patience/4)
		defer cancel()
		occupant, err := observer.Join(ctx, w.options)
		w.occupant = occupant
		return err == nil, err
	})
}

func (w *watcher) message(m observer.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if members := w.names.of(m); members != nil {
		w.digests[m.ID]++
		for _, k := range members {
			w.together[k] = true
			w.shows(k, m)
		}
	} else if found := marker.FindStringSubmatch(m.Body); found != nil {
		lane, _ := strconv.Atoi(found[1])
		number, _ := strconv.Atoi(found[2])
		w.shows(key{lane, number}, m)
	}
}

// shows notes that a message shows one of the notifications. w.mu is held.
func (w *watcher) shows(k key, m observer.Message) {
	lane, number := k.lane, k.number
	if w.live[k] == 0 {
		w.by[m.Nick]++
		w.first[k] = m.Nick + time.Now().Format(" 05.000")
		w.at[k] = time.Now()
		w.sequence = append(w.sequence, k)
	}
	seen := w.live
	if m.Delayed {
		seen = w.history
	}
	again := w.told != nil && m.Delayed && !w.told[k] && w.live[k] > 0
	if w.told != nil && m.Delayed {
		w.told[k] = true
	}
	if seen[k]++; seen[k] > 1 || again {
		w.repeated++
		w.repeatedBy(m)
		w.twice = append(w.twice, fmt.Sprintf("%d-%d by %s, then %s", lane, number, w.first[k], m.Nick+time.Now().Format(" 05.000")))
	}
	if m.Delayed && w.live[k] > 0 {
		return // we saw it happen
	}
	if w.live[k] = max(w.live[k], 1); w.urgent[k] {
		return
	}
	if number <= w.last[lane] && seen[k] == 1 {
		w.disorder = append(w.disorder, fmt.Sprintf("%d-%d after %d", lane, number, w.last[lane]))
	}
	w.last[lane] = max(w.last[lane], number)
	if seen[k] == 1 {
		w.order(k, m.Nick)
	}
}

// order notes what a worker shows after something newer of the same lane.
func (w *watcher) order(k key, nick string) {
	place := fmt.Sprint(nick, " ", k.lane)
	if k.number < w.newest[place] {
		w.late = append(w.late, k)
	}
	w.newest[place] = max(w.newest[place], k.number)
}

// count returns how many different notifications the room has shown.
func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.live)
}

// repetition is a message that has shown something again.
type repetition struct {
	id, nick      string
	digest        bool
	notifications int // of those in it, that were shown before
}

// repeatedBy notes that m shows a notification again. w.mu is held.
func (w *watcher) repeatedBy(m observer.Message) {
	if n := len(w.again); n == 0 || w.again[n-1].id != m.ID || w.again[n-1].nick != m.Nick {
		w.again = append(w.again, repetition{id: m.ID, nick: m.Nick, digest: w.names.of(m) != nil})
	}
	w.again[len(w.again)-1].notifications++
}

// repetitions are the messages that have shown something again, in order.
func (w *watcher) repetitions() []repetition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.again)
}

// serverForgot has the watcher know that the history tells nothing any more of what it has
// been shown before.
func (w *watcher) serverForgot() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.told = map[key]bool{}
}

// has reports whether a notification has been shown.
func (w *watcher) has(k key) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.live[k] > 0
}

// shares returns how many notifications each nickname was the first to post.
func (w *watcher) shares() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.by)
}

// shown reports whether the first n numbers of a lane have been shown, apart
// from those that skip names.
func (w *watcher) shown(lane, n int, skip func(key) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := 1; i <= n; i++ {
		if k := (key{lane, i}); w.live[k] == 0 && !skip(k) {
			return false
		}
	}
	return true
}

// wait waits until n different notifications have been shown.
func (w *watcher) wait(n int) {
	w.t.Helper()
	until(w.t, fmt.Sprintf("the room has shown %d notifications", n), func(context.Context) (bool, error) {
		got := w.count()
		return got >= n, fmt.Errorf("it has shown %d", got)
	})
}

// checkAcks reports any moment at which the broker has an acknowledgement for
// something that the observer has not been shown, until the result is called.
// The position is read first; then a fence makes sure that the observer has
// read all that the server had sent it by then.
func (w *watcher) checkAcks(b broker, skip func(key) bool) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var checking sync.WaitGroup
	var samples atomic.Int32
	checking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			acked, err := b.acked(ctx)
			if err == nil && w.occupant.Fence(ctx) == nil {
				samples.Add(1)
				for lane, n := range acked {
					if !w.shown(lane, n, skip) {
						w.t.Errorf("lane %d is acknowledged up to %d, but not all of it has been shown", lane, n)
					}
				}
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	})
	return func() {
		until(w.t, "the acknowledgements were looked at three times", func(context.Context) (bool, error) {
			return samples.Load() >= 3, nil
		})
		cancel()
		checking.Wait()
	}
}
