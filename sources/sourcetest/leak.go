package sourcetest

import (
	"runtime"
	"testing"
)

// slack is how many goroutines may come and go by themselves in a broker that
// runs inside the test process.
const slack = 8

// testNoLeaks: a source that is closed leaves nothing running.
func testNoLeaks(t *testing.T, b Broker) {
	rounds := b.Features().Rounds
	if rounds == 0 {
		rounds = 100
	}
	before := 0
	for i := range rounds {
		publish(t, b, records(i, i+1)...)
		src := b.Open(t)
		ack(t, receive(t, src, 1)...)
		shut(t, src)
		if i <= 1 { // the broker has warmed up
			before = runtime.NumGoroutine()
		}
	}
	eventually(t, "the goroutines of closed sources are gone", func() bool {
		return runtime.NumGoroutine() <= before+slack
	})
	settles(t, b, rounds)
}
