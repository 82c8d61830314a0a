package sourcetest

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// testHeldBeyondLease: what is held longer than the lease stays with its
// holder, while a second source waits for work. Where the broker moves a
// partition to the second one, the first is told by Lost.
func testHeldBeyondLease(t *testing.T, b Broker) {
	const n = 40
	first, second := collect(t, open(t, b)), collect(t, open(t, b))
	publish(t, b, records(0, n)...)
	Eventually(t, "both sources together hold everything", func() bool {
		return len(held(first(), second())) == n
	})
	for end := time.Now().Add(3 * b.Features().Lease); time.Now().Before(end); Beat() {
		if again := twice(append(first(), second()...)); again != "" {
			t.Fatalf("%s was given to two holders", again)
		}
	}
	for _, list := range [][]*sources.Delivery{first(), second()} {
		Ack(t, list...)
	}
	settles(t, b, n)
}

// testHeldByBusyWorker: a worker whose hands are full does not call Receive.
// It keeps what it has for as long as it takes, and what it settles then
// counts.
func testHeldByBusyWorker(t *testing.T, b Broker) {
	const n = 10
	src := feed(t, b, records(0, n)...)
	batch := Next(t, src, n)
	if b.Features().PerMessage { // else it would take the partitions over
		got := collect(t, open(t, b))
		never(t, 3*b.Features().Lease, "what is held is given to another source", func() bool { return len(got()) > 0 })
	} else {
		never(t, 3*b.Features().Lease, "a delivery is lost", func() bool { return slices.ContainsFunc(batch, lost) })
	}
	Ack(t, batch...)
	settles(t, b, n)
}

// testLost: when partitions move to another source, those who hold deliveries
// of them are told, and the new owner gets all that was not acknowledged.
func testLost(t *testing.T, b Broker) {
	const n = 40
	first := feed(t, b, records(0, n)...)
	batch := Next(t, first, n)
	got := collect(t, first) // a worker goes on receiving
	second := collect(t, open(t, b))
	Eventually(t, "the first source is told that it has lost something", func() bool { return slices.ContainsFunc(batch, lost) })
	kept := map[string]bool{}
	for _, d := range append(batch, got()...) {
		if lost(d) {
			_ = d.Release(0)
		} else {
			kept[d.Identity()] = true
		}
	}
	Eventually(t, "the second source has what the first one lost", func() bool {
		all := held(second(), got())
		for id := range kept {
			all[id] = true
		}
		return len(all) == n
	})
}

// never watches for d that bad does not become true.
func never(t *testing.T, d time.Duration, what string, bad func() bool) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); Beat() {
		if bad() {
			t.Fatalf("%s", what)
		}
	}
}

// collect receives until the test ends; the function it returns tells what
// has come so far.
func collect(t *testing.T, src sources.Source) func() []*sources.Delivery {
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var all []*sources.Delivery
	var receiver sync.WaitGroup
	receiver.Go(func() {
		for ctx.Err() == nil {
			batch, err := Receive(ctx, src, 10)
			if err != nil {
				Beat()
			}
			mu.Lock()
			all = append(all, batch...)
			mu.Unlock()
		}
	})
	t.Cleanup(func() { cancel(); receiver.Wait() })
	return func() []*sources.Delivery {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(all)
	}
}

// held is the set of notifications that somebody holds for good.
func held(lists ...[]*sources.Delivery) map[string]bool {
	set := map[string]bool{}
	for _, list := range lists {
		for _, d := range list {
			if !lost(d) {
				set[d.Identity()] = true
			}
		}
	}
	return set
}

// twice names a notification that two holders believe to be theirs.
func twice(list []*sources.Delivery) string {
	set := map[string]bool{}
	for _, d := range list {
		if lost(d) {
			continue
		}
		if set[d.Identity()] {
			return d.Place()
		}
		set[d.Identity()] = true
	}
	return ""
}

func lost(d *sources.Delivery) bool {
	select {
	case <-d.Lost():
		return true
	default:
		return false
	}
}
