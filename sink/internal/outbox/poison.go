package outbox

import (
	"errors"
	"slices"
	"time"
)

// ErrSwallowed is why a message was given up that the room never showed, although
// it showed others that were sent later.
var ErrSwallowed = errors.New("swallowed by the room: it showed later messages and never this one")

const (
	// mostRefused bounds the patience with a single message that the room refuses: 8 times
	// the limit. The reason may pass.
	mostRefused = 3
	// maxAlone is how often a message that fails is sent alone before it is given up.
	maxAlone = 2
	// aloneAgain is the pause before that is done once more.
	aloneAgain = 2 * time.Second
	// overtaken is how long later messages have to be there before one that is not
	// counts as missing. Some servers change the order a little.
	overtaken = time.Second
)

// fail sets a message aside that the room has refused or swallowed, for the reason
// why. It is sent again alone if that is its own fault: if the room shows what was
// sent later. When that has failed, too, it is to be given up (exhausted), if the room
// is well: a state of the room is never a reason to give up a message.
func (b *Outbox) fail(e *entry, why error, now time.Time) (exhausted bool) {
	e.tries++
	e.why = why
	e.sent = false
	if b.alone == e {
		e.alone++
	}
	e.notBefore = now
	if e.alone > 0 {
		e.notBefore = now.Add(aloneAgain)
	}
	b.to(e, setAside)
	b.noteOldest(now)
	b.endHold(now)
	return e.alone >= maxAlone
}

// trial returns the first message that is to be sent alone, nil if there is none.
func (b *Outbox) trial(now time.Time) *entry {
	if b.in[setAside] == 0 {
		return nil
	}
	for _, e := range b.queue {
		if e.state != setAside {
			continue
		}
		if e.nth < b.lastShown || e.nth <= b.othersShown { // others were shown since
			e.proven = true
		}
		if e.proven && !now.Before(e.notBefore) {
			return e
		}
	}
	return nil
}

// awaitsProof reports whether e was sent, and nothing that was sent later was shown. One
// that is asked to wait compares with all that were sent since the first time.
func (b *Outbox) awaitsProof(e *entry) bool {
	switch {
	case e.refused > 0:
		return e.refused >= b.lastShown
	case e.state == waiting, e.state == setAside && e.proven:
		return false
	}
	return e.nth >= b.lastShown && e.nth > b.othersShown
}

// AllFailed returns why the first message has failed, if all that there is has, and
// nothing proves that it is not the room's fault. Else it returns nil. Of a single message
// it is known after some sessions that another one does not help: it has limit, and twice as
// long each time, until then. Others need not see us leave and come back, and the next
// message may prove whose fault it is.
func (b *Outbox) AllFailed(now time.Time, limit time.Duration) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.link == nil || !b.silentSince.IsZero() || b.in[setAside] == 0 || b.in[outstanding]+b.in[waiting] > 0 || b.trial(now.Add(aloneAgain)) != nil {
		return nil
	}
	e := b.queue[slices.IndexFunc(b.queue, func(e *entry) bool { return e.state == setAside })]
	if more := e.tries - maxTries; b.in[setAside] == 1 && more > 0 && now.Sub(e.notBefore) < limit<<min(more-1, mostRefused) {
		return nil
	}
	return e.why
}

// Missing returns the number of the last message sent, if one is missing: later ones
// were shown, or it was sent alone, and that was some time ago. So is one that holds
// up what is to be sent alone; and one that has failed before, if nothing was shown
// for longer than limit, and others wait for their turn. It is the same if nothing was
// shown for so long and the room was not asked since. Else it returns 0. A session
// asks the room for something then, and calls Handled with the number when the room
// answers.
func (b *Outbox) Missing(now time.Time, limit time.Duration) uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.in[outstanding] > 0 && b.pace.unshown(now.Sub(b.oldest)) {
		b.sendWaiting(now)
	}
	late := b.in[outstanding] > 0 && now.Sub(b.oldest) > limit
	if b.stuck = late && b.in[waiting] > 0; late && b.handled < b.count {
		return b.count
	}
	b.blocked = b.alone == nil && b.trial(now) != nil
	overdue := min(overtaken+b.pace.interval, limit)
	for _, e := range b.queue {
		if b.missing(e) && (e == b.alone && !b.pace.limited || now.Sub(e.sentAt) > overdue) {
			return b.count
		}
	}
	return 0
}

// missing reports whether e should have been shown by now.
func (b *Outbox) missing(e *entry) bool {
	return e.state == outstanding && (e.nth < b.lastShown || e.nth <= b.othersShown || e == b.alone || b.blocked || b.stuck && e.failing())
}

// Handled notes that the room has handled all that was sent up to a number: it will
// not show any more what is missing of that. It returns the ids.
func (b *Outbox) Handled(upTo uint64) (missing []string) {
	return b.giveUp(upTo, func(e *entry) bool { return e.nth <= upTo })
}

// Overdue is Missing and Handled for a room that does not answer: what is missing for
// longer than limit it will not show any more.
func (b *Outbox) Overdue(now time.Time, limit time.Duration) (missing []string) {
	if b.Missing(now, limit) == 0 {
		return nil
	}
	return b.giveUp(0, func(e *entry) bool { return now.Sub(e.sentAt) > limit })
}

// giveUp notes that what is missing was swallowed, if it is one of these. All up to a number
// is known to be handled.
func (b *Outbox) giveUp(upTo uint64, handled func(*entry) bool) (missing []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handled = max(b.handled, upTo)
	now := time.Now()
	for _, e := range slices.Clone(b.queue) { // settling changes it
		if b.missing(e) && handled(e) {
			if b.fail(e, ErrSwallowed, now) { // the room has answered since
				b.lastGivenUp = b.count
				b.reject(e, ErrSwallowed)
			}
			missing = append(missing, e.id)
		}
	}
	b.sendWaiting(now)
	return missing
}

// Stall notes that nothing was shown for long. It returns the id of the message that
// is the oldest.
func (b *Outbox) Stall() (id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.queue {
		if e.state == outstanding {
			e.tries++
		}
	}
	if b.first != nil {
		id = b.first.id
	}
	return id
}

// maxTries is how often a message may fail without a proof that it is its own
// fault, before it yields its slot to others, which may be that proof.
const maxTries = 2

// yieldSlots has messages that have failed again and again give their slots to others: as
// many as may be in flight, once. They keep their turn: a room that has recovered is
// shown everything in order.
func (b *Outbox) yieldSlots() {
	for _, e := range b.queue {
		if e.hasSlot && e.yields() && (e.state == waiting || e.state == setAside) && b.yielded < b.slots.most {
			e.hasSlot, e.yielded = false, true
			b.yielded++
			b.slots.taken--
		}
	}
}
