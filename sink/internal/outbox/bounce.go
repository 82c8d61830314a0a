package outbox

import "time"

// Verdict says what a bounce is about.
type Verdict int

// What a bounce can be about.
const (
	AboutPace Verdict = iota // how fast we send: wait, and send again
	NoVoice                  // us: nothing is sent until we have a voice
	Unclear                  // the message, us or the room: see what becomes of others
)

// Bounce takes the refusal of the message id, for the reason why. It returns how
// often the message has failed for a reason that may have been the room's,
// whether it is of those in flight, and whether it was refused alone as often as
// it is tried: then it is for Reject, if the room is well.
func (b *Outbox) Bounce(id []byte, v Verdict, why error) (tries int, ours, exhausted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.inflight[string(id)]
	if !ok || e.state != outstanding {
		return 0, false, false
	}
	now := time.Now()
	switch v {
	case AboutPace:
		exhausted = b.askedToWait(e, why, now)
	case NoVoice:
		b.takeBack(e, now)
	case Unclear:
		exhausted = b.fail(e, why, now)
	}
	return e.tries, true, exhausted
}

// Silence stops sending, or goes on, and reports whether that is a change. What is
// outstanding may still be shown, or bounce.
func (b *Outbox) Silence(on bool) (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if on != b.silentSince.IsZero() {
		return false
	}
	b.silentSince, b.comparison = time.Time{}, comparison{}
	if on {
		b.silentSince = time.Now()
	}
	b.notify()
	return true
}

// SilentSince is when sending was stopped, zero if it was not.
func (b *Outbox) SilentSince() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.silentSince
}

// Reject gives up the message id, unless it was sent again meanwhile: the room may
// show it.
func (b *Outbox) Reject(id string, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.inflight[id]; ok && e.state != outstanding {
		b.lastGivenUp = b.count
		if e.overtaken > 0 {
			b.pace.excuse(time.Now())
		}
		b.reject(e, why)
	}
}

// Pace is how fast the room lets us send.
type Pace struct {
	InFlight int           // how many messages may be in flight
	Pause    time.Duration // the time between two of them, 0 while it is not known
	Sure     bool          // it has been confirmed
	Limited  bool          // the room has asked us to wait, or shows messages late
}

// Pace returns the present pace.
func (b *Outbox) Pace() Pace {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Pace{min(b.pace.width, b.pace.most), b.pace.measured, b.pace.sure, b.pace.limited}
}
