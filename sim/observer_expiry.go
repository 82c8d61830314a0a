package sim

import (
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// isOld reports whether a message is too old to be shown, by the clock of its broker.
func (o *observer) isOld(m *stored) bool { return o.maxAge > 0 && time.Since(m.at) > o.maxAge }

// filtered is when a worker shows nothing of some notifications. Those that come too late are
// not even counted in a line if the room shows none.
func (o *observer) filtered(p *process, e worker.Event) {
	if e.Kind != worker.Filtered || e.Why != worker.WhyExpired || p.isDead() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, part := range e.Parts {
		r := o.records[numberOf(e.Delivery.Envelopes[part].Time)]
		r.hidden = true
		o.say("worker %s hides notification %d", p.name, r.number)
		o.expires(r)
	}
}

// expires is when people are not shown what a notification says, because it came too late.
// o.mu is held.
func (o *observer) expires(r *record) {
	r.expired = true
	if !slices.ContainsFunc(r.copies, o.isOld) {
		o.wrong("notification %d is taken for too old, and is not", r.number)
	}
}

// shows is when people are shown notifications, and of some of them only that they came too
// late. o.mu is held.
func (o *observer) shows(owner *process, p sinktest.Post, numbers []int) {
	late := expiredIn(p)
	for _, number := range numbers {
		r := o.records[number]
		if slices.Contains(late, number) {
			o.say("the room counts notification %d as expired, from worker %s", number, owner.name)
			o.expires(r)
			continue
		}
		o.say("the room shows notification %d, from worker %s", number, owner.name)
		if len(numbers)-len(late) == 1 && slices.ContainsFunc(r.words, func(part string) bool { return !strings.Contains(p.Body, part) }) {
			o.wrong("notification %d is shown without its text, as %q", number, p.Body)
		}
		if o.maxAge > 0 && !o.workers[owner.name].young[number] {
			o.wrong("notification %d is shown, and was too old when worker %s was given it", number, owner.name)
		}
	}
}
