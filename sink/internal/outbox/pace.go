package outbox

import "time"

// pacer decides how fast messages are sent. A refusal that asks us to wait is flow
// control, not a failure: one message is in flight then, because of several the room
// might take a later one first. If one is still too much, a pause between them is learnt:
// as long as it took until the room accepted the next. Both come back step by step.
//
// What the room takes is not known at first: one is in flight then, so that the order is
// kept if it soon refuses one. After some of these two are, and then twice as many each
// time it has accepted as many.
//
// Reflections that come late let fewer be in flight, too: a server that reads slowly
// has all of it in its buffers, and shows it even if the connection breaks.
type pacer struct {
	most    int  // what may be in flight for other reasons
	width   int  // what may be in flight
	unknown bool // as many as may be were never in flight, and none was refused or late
	holding bool // the room has refused some: nothing is sent until it is known which
	round   int  // messages that it has accepted since it refused some
	steady  int  // messages to be accepted before the pause shrinks again

	interval time.Duration // the pause between two messages
	retry    time.Duration // the pause before what was refused is sent again
	refusals int           // since it has accepted one
	next     time.Time     // when the next message may be sent
	last     time.Time     // when the last one was sent that it has accepted
	limited  bool          // the pace is not what it was

	reduced time.Time // when fewer were in flight for late reflections
	late    int       // how often that was so since as many were in flight as may be
	rate
}

// rate is what is known of how fast the room takes messages.
type rate struct {
	waited   time.Duration // for the reflections of the round, all together
	measured time.Duration // between two messages, 0: not known
	sure     bool          // two measurements agree, or it is the mean of several
}

const (
	firstRetry   = 100 * time.Millisecond
	longestRetry = 30 * time.Second
	longestPause = time.Minute
	// lateReflection is beyond what servers take that read as fast as they can.
	lateReflection = 2 * time.Second
	// shortestPace is the pause that is not worth a timer.
	shortestPace = time.Millisecond
	// steps is how many messages are accepted before one more may be in flight, also the
	// first time, or before the pause shrinks again; and the part by which it does.
	steps = 16
)

func newPacer(most int) pacer {
	return pacer{most: most, width: 1, unknown: most > 1}
}

// setMost bounds what may be in flight for other reasons.
func (p *pacer) setMost(n int) {
	if p.most = n; !p.limited && !p.unknown {
		p.width = n
	}
}

// allows reports whether one more message may be sent now.
func (p *pacer) allows(outstanding int, now time.Time) bool {
	if outstanding == 0 {
		p.holding = false
	}
	return !p.holding && outstanding < min(p.width, p.most) && !now.Before(p.next)
}

// sent notes that a message is sent.
func (p *pacer) sent(now time.Time) {
	if p.interval > 0 {
		p.next = now.Add(p.interval)
	}
}

// refused notes that the room has asked us to wait. What else it refuses of what is
// in flight at that time says nothing new.
func (p *pacer) refused(now time.Time) {
	p.limited, p.unknown = true, false
	if p.holding {
		return
	}
	p.holding = true
	if p.width == 1 || p.round == 0 {
		p.slowDown(now)
	}
	p.width, p.round = 1, 0
}

// excuse notes that it was not for the pace that the room has refused a message.
func (p *pacer) excuse(now time.Time) {
	if p.refusals > 0 {
		p.retry, p.refusals = 0, 0
		p.next = now.Add(p.interval)
	}
}

// slowDown waits before the next attempt, longer with every one.
func (p *pacer) slowDown(now time.Time) {
	p.refusals++
	first := firstRetry
	if p.interval > 0 {
		first = max(p.interval/steps*5/4, shortestPace)
	}
	p.retry = min(max(p.retry*3/2, first), longestRetry)
	p.next = now.Add(p.retry)
}

// accepted notes that the room has shown a message that was sent at that time.
func (p *pacer) accepted(sentAt, now time.Time) {
	p.measure(sentAt, now)
	switch {
	case p.refusals > 0:
		p.learn(sentAt)
	case p.interval > 0:
		p.speedUp()
	case now.Sub(sentAt) > lateReflection:
		p.reduce(sentAt, now)
	case p.unknown && p.width > 1 && p.round >= p.width:
		p.widen()
	case p.width < p.most && p.round >= steps:
		p.width, p.round = p.width+1, 0
	case p.width >= p.most:
		p.limited, p.late, p.rate = false, 0, rate{}
	}
	p.last = sentAt
}

// widen lets twice as many be in flight.
func (p *pacer) widen() {
	p.width, p.round, p.unknown = min(2*p.width, p.most), 0, 2*p.width < p.most
}

// unshown takes for how long the room has shown nothing of what is in flight. It may never
// show that, and only later ones prove whose fault it is: it reports whether more may be sent.
func (p *pacer) unshown(wait time.Duration) (more bool) {
	if !p.unknown || wait <= overtaken {
		return false
	}
	p.widen()
	return true
}

// measure takes the time that a reflection took. So many in flight, each for so
// long, is a rate (Little's law). There were more before they were reduced.
func (p *pacer) measure(sentAt, now time.Time) {
	if !sentAt.After(p.reduced) {
		return
	}
	if p.round++; p.round == 1 {
		p.waited = 0
	}
	p.waited += now.Sub(sentAt)
	if p.limited && p.interval == 0 && p.round == steps/2 {
		p.measured, p.sure = p.waited/time.Duration(p.round*min(p.width, p.most)), true
	}
}

// reduce lets fewer be in flight after a late reflection. What was sent before the
// last time says nothing new. A single time may be a moment in which nobody had time.
func (p *pacer) reduce(sentAt, now time.Time) {
	if p.width == 1 || !sentAt.After(p.reduced) {
		return
	}
	p.width, p.round, p.reduced, p.unknown = p.width/2, 0, now, false
	p.late++
	p.limited = p.limited || p.late > 1
}

// learn takes the time between two messages that were accepted for the pause that
// the room asks for. After a single refusal it is that, and is kept for a while.
func (p *pacer) learn(sentAt time.Time) {
	if p.steady = 0; p.refusals <= 2 && p.interval > 0 {
		p.steady = steps
	}
	if !p.last.IsZero() {
		p.interval = min(sentAt.Sub(p.last), longestPause)
		p.sure = p.sure || (p.interval-p.measured).Abs() < p.measured/4 // as the time before
		p.measured = p.interval
	}
	p.retry, p.refusals = 0, 0
	p.next = sentAt.Add(p.interval)
}

// speedUp makes the pause a little shorter.
func (p *pacer) speedUp() {
	if p.steady--; p.steady > 0 {
		return
	}
	if p.interval -= p.interval / steps; p.interval < shortestPace {
		p.interval = 0
	}
}
