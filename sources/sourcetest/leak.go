package sourcetest

import (
	"fmt"
	"runtime"
	"testing"
)

const (
	// slack is how many goroutines may come and go by themselves in a broker
	// that runs inside the test process.
	slack = 8
	// perRound is how much memory a round may leave behind: the record in a
	// broker inside the test process. A source that something still knows, or a
	// goroutine, costs more.
	perRound = 1 << 10
	// anyway is how much memory may come into use by itself, in all rounds.
	anyway = 128 << 10
)

// testNoLeaks: a source that is closed leaves nothing running and nothing
// behind, whether it was closed with empty hands or not. Client libraries may
// take a moment for it: a timer holds on to what it would have closed.
func testNoLeaks(t *testing.T, b Broker) {
	rounds := b.Features().Rounds
	if rounds == 0 {
		rounds = 1000
	}
	warm := rounds / 10
	var goroutines, memory int
	for i := range rounds {
		if i == warm {
			goroutines, memory = runtime.NumGoroutine(), memoryInUse()
		}
		openAndClose(t, b, i)
	}
	Eventually(t, "the goroutines of closed sources are gone", func() bool {
		return runtime.NumGoroutine() <= goroutines+slack
	})
	grown := func() int { return (memoryInUse() - memory - anyway) / (rounds - warm) }
	t.Logf("%d rounds, %d bytes more in each at once", rounds, grown())
	Eventually(t, fmt.Sprintf("every round leaves at most %d bytes behind", perRound), func() bool {
		return grown() <= perRound
	})
	t.Logf("%d bytes in the end", grown())
}

// openAndClose is one round. Nothing may remember the source when it is over.
func openAndClose(t *testing.T, b Broker, round int) {
	t.Helper()
	r := records(round, round+1)
	if !b.Features().AtMostOnce {
		publish(t, b, r...)
	}
	src := b.Open(t)
	if b.Features().AtMostOnce {
		publish(t, b, r...)
	}
	batch := Next(t, src, 1)
	if round%2 == 0 {
		Ack(t, batch...)
	}
	shut(t, src)
}

// memoryInUse is what the garbage collector does not take.
func memoryInUse() int {
	runtime.GC()
	runtime.GC() // what the first one has finalised
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(min(m.HeapAlloc+m.StackInuse, 1<<62))
}
