package worker_test

import (
	"testing"
	"testing/synctest"
)

// titles are 50 notifications, numbered from first.
func titles(first int) []string {
	list := make([]string, 50)
	for i := range list {
		list[i] = title(first + i)
	}
	return list
}

// A source whose acknowledgements never become durable, as behind a dead letter
// that cannot be written, stops at its own bound. The other goes on.
func TestASourceThatCannotAcknowledgeHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &source{name: "stuck", bodies: titles(0), undurable: true}
		healthy := &source{name: "healthy", bodies: titles(900)}
		got := run(&room{answer: delivered, historyDepth: 8}, stuck, healthy)
		if n := got.count(`ack {"subject":"9`); n != 50 {
			t.Errorf("%d of 50 were acknowledged beside a source that is stuck", n)
		}
		if rest := len(stuck.bodies); rest == 0 {
			t.Error("the source that is stuck was not stopped at its bound")
		}
	})
}

// The same for notifications that come in batches larger than what is left.
func TestASourceThatCannotAcknowledgeHoldsUpNoBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &source{name: "stuck", bodies: titles(0), undurable: true}
		body := batch("a", "b", "c", "d", "e", "f")
		got := run(&room{answer: delivered, historyDepth: 8}, stuck, &source{name: "healthy", bodies: []string{body, body, body}})
		if n := got.count("ack " + body); n != 3 {
			t.Errorf("%d of 3 batches were acknowledged", n)
		}
	})
}

// Dead letters that cannot be written stop their own source alone.
func TestDeadLettersThatCannotBeWrittenHoldUpNoOtherSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := &source{name: "stuck", rejects: 1 << 30}
		for range 50 {
			stuck.bodies = append(stuck.bodies, "{}")
		}
		got := run(&room{answer: delivered}, stuck, &source{name: "healthy", bodies: titles(100)})
		if n := got.count("ack "); n != 50 {
			t.Errorf("%d of 50 were acknowledged beside dead letters that cannot be written", n)
		}
	})
}

// Together the sources have no more unacknowledged than the history shows.
func TestSourcesShareWhatTheHistoryShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := &source{name: "one", bodies: titles(0), undurable: true}
		two := &source{name: "two", bodies: titles(100), undurable: true}
		three := &source{name: "three", bodies: titles(200), undurable: true}
		got := run(&room{answer: delivered, historyDepth: 13}, one, two, three)
		if n := got.count("ack "); n != 13 {
			t.Errorf("%d were shown and not durably acknowledged, the history shows 13", n)
		}
	})
}
