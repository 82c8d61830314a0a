package outbox

import (
	"slices"
	"testing"
	"time"
)

// bucket is a room that takes a message each interval, some more at first, and asks
// to wait otherwise.
type bucket struct {
	interval time.Duration
	tokens   float64
	burst    float64
	at       time.Time
}

func (b *bucket) takes(now time.Time) bool {
	b.tokens = min(b.burst, b.tokens+float64(now.Sub(b.at))/float64(b.interval))
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// newSteady makes an outbox that knows that the room takes as many at once as may be.
func newSteady(maxInFlight int, m *Minter) *Outbox {
	b := New(maxInFlight, m)
	b.pace.width, b.pace.unknown = maxInFlight, false
	return b
}

// What a room takes is tried with one after the other, and soon with as many as may be.
func TestFewAreInFlightAtFirst(t *testing.T) {
	p, now := newPacer(16), time.Unix(0, 0)
	for _, want := range append(slices.Repeat([]int{1}, 16), 2, 4, 8, 16, 16) {
		n := 0
		for ; p.allows(n, now); n++ {
			p.sent(now)
		}
		for range n {
			p.accepted(now, now)
		}
		if n != want {
			t.Errorf("%d are in flight, want %d", n, want)
		}
	}
}

// The pace is at least 0.9 of what the room allows, with few refusals, and is what
// it was when the room allows more.
func TestPaceIsThatOfTheRoom(t *testing.T) {
	for _, interval := range []time.Duration{20 * time.Millisecond, 400 * time.Millisecond, 2 * time.Second, 10 * time.Second} {
		now := time.Unix(0, 0)
		room := &bucket{interval: interval, tokens: 3, burst: 3, at: now}
		p := newPacer(16)
		const rtt = time.Millisecond
		shown, refused := 0, 0
		send := func() { // a burst as large as is allowed, and its answers
			n := 0
			for p.allows(n, now) {
				p.sent(now)
				n++
			}
			sentAt := now
			now = now.Add(rtt)
			for range n {
				if room.takes(sentAt) {
					p.accepted(sentAt, now)
					shown++
				} else {
					p.refused(now)
					refused++
				}
			}
			if now.Before(p.next) {
				now = p.next
			}
		}
		for shown < 20 { // it learns
			send()
		}
		began, before, refusedBefore := now, shown, refused
		for shown < before+300 {
			send()
		}
		got := float64(shown-before) / float64(now.Sub(began)) * float64(interval)
		bounced := float64(refused-refusedBefore) / 300
		t.Logf("every %v: %.3f of the limit, %.3f refusals for each message", interval, got, bounced)
		if got < 0.9 || bounced > 0.2 {
			t.Errorf("every %v: %.3f of the limit, %.3f refusals for each message", interval, got, bounced)
		}
		room.interval, room.burst = time.Microsecond, 100
		for range 1000 {
			send()
		}
		if p.width != 16 || p.interval != 0 || p.limited {
			t.Errorf("every %v: after the limit is gone %d are in flight, every %v", interval, p.width, p.interval)
		}
	}
}
