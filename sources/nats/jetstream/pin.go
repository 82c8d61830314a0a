package jetstream

import (
	"encoding/json"
	"sync"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// pinHeader is in every message that the broker delivers to the pinned worker.
const pinHeader = "Nats-Pin-Id"

// pinGroup names the priority group of a consumer that we make.
const pinGroup = "xmpp-notifier"

// keepTime is how long a request lives that only keeps the pin.
const keepTime = 100 * time.Millisecond

// claim is what a worker has on one message, or in strict order on all that came
// under one pin, so that they are lost together: if some were sent to the room
// after an older one was given up, the order would be broken.
type claim struct {
	once sync.Once
	lost chan struct{} // closed when the claim has ended
}

func newClaim() *claim { return &claim{lost: make(chan struct{})} }

func (c *claim) end() { c.once.Do(func() { close(c.lost) }) }

func (c *claim) ended() bool {
	select {
	case <-c.lost:
		return true
	default:
		return false
	}
}

// pin is what keeps the order strict: of all workers on the consumer the broker
// delivers to one, the pinned one, as long as that sends requests that name the
// pin.
type pin struct {
	strict bool

	mu      sync.Mutex
	group   string // the consumer's priority group
	id      string // of our pin; "": another worker may be pinned
	claim   *claim // on what came under it
	ordered bool   // what was pending before is here: what comes now is in order
}

func newPin(cfg Config) *pin { return &pin{strict: cfg.Order == strict, claim: newClaim()} }

// claimOn returns the claim on a message that has come.
func (p *pin) claimOn(m *client.Msg) *claim {
	if !p.strict {
		return newClaim()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if id := pinOf(m); id != p.id || p.claim.ended() {
		p.renew(id)
	}
	return p.claim
}

// pinOf returns the pin that a message names. The broker's word is the last: a
// publisher may have set the same header.
func pinOf(m *client.Msg) string {
	if values := m.Header[pinHeader]; len(values) > 0 {
		return values[len(values)-1]
	}
	return ""
}

// renew ends the claim, and begins another under the pin. mu is held.
func (p *pin) renew(id string) {
	p.claim.end()
	p.id, p.claim, p.ordered = id, newClaim(), false
}

// answered takes the broker's answer to a request that named a pin, and reports
// whether it is lost: another worker is pinned, or will be.
func (p *pin) answered(id string, m *client.Msg) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	lost := p.id != "" && p.id == id && m.Header.Get("Status") == wrongPin
	if lost {
		p.renew("")
	}
	return lost
}

// inOrder reports whether messages come in order, as far as that matters.
func (p *pin) inOrder() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.strict || p.ordered && !p.claim.ended()
}

// pinned returns the claim of the pinned worker, nil for the others.
func (p *pin) pinned() *claim {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.id == "" {
		return nil
	}
	if p.claim.ended() {
		p.renew(p.id)
	}
	return p.claim
}

// order notes that all that was pending is here, under that claim.
func (p *pin) order(c *claim) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ordered = p.claim == c
}

// bind takes the priority group of the consumer.
func (p *pin) bind(c jetstream.ConsumerConfig) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.strict {
		p.group = c.PriorityGroups[0]
	}
}

// sign writes group and pin into a request.
func (p *pin) sign(r *pullRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r.Group, r.Pin = p.group, p.id
}

// keepPin has the broker keep us pinned. The requests for messages do as well, but a
// worker that is full sends none. This one gets no message: none is so short. What
// is lost and was not handed over goes back at once.
func (s *Source) keepPin() {
	if !s.pin.strict {
		return
	}
	s.inbox.releaseLost()
	if s.pin.pinned() == nil || !s.conn.IsConnected() {
		return
	}
	r := pullRequest{Batch: 1, MaxBytes: 1, Expires: keepTime}
	s.pin.sign(&r)
	if body, err := json.Marshal(r); err == nil {
		_ = s.conn.PublishRequest(s.requests(), s.inbox.reply(pinWord, r.Pin), body) // the next one follows soon
	}
}

// unpin lets the next worker be pinned at once, and reports whether it had to.
func (s *Source) unpin() bool {
	var r pullRequest
	if s.pin.sign(&r); r.Pin == "" || !s.conn.IsConnected() {
		return false
	}
	subject := s.settings.API() + "CONSUMER.UNPIN." + s.cfg.Stream + "." + s.cfg.Consumer
	body, err := json.Marshal(map[string]string{"group": r.Group})
	return err == nil && s.conn.PublishRequest(subject, s.inbox.reply(pinWord, ""), body) == nil
}

// isPinning reports whether a consumer serves one worker at a time.
func isPinning(c jetstream.ConsumerConfig) bool {
	return c.PriorityPolicy == jetstream.PriorityPolicyPinned && len(c.PriorityGroups) > 0
}

// CanPin reports whether a consumer does not serve one worker at a time although it
// should, and nothing but that is to be changed.
func (c Config) CanPin(found jetstream.ConsumerConfig) bool {
	return c.Order == strict && len(found.PriorityGroups) == 0
}

// Pin has a consumer serve one worker at a time. The pin outlives the ack wait, so
// that the next worker is given what its predecessor held, and before anything
// newer.
func (c Config) Pin(d *jetstream.ConsumerConfig) {
	d.PriorityPolicy, d.PriorityGroups, d.PinnedTTL = jetstream.PriorityPolicyPinned, []string{pinGroup}, pinTime(*d)
}

// pinTime is how long a worker may be silent before another one is pinned.
func pinTime(c jetstream.ConsumerConfig) time.Duration {
	wait := effectiveWait(c)
	return wait + wait/2
}

// unpinnable says why the consumer does not fit the order that is asked for, or nil.
func (c Config) unpinnable(found jetstream.ConsumerConfig) error {
	switch {
	case c.Order == strict && isPinning(found):
		return nil
	case c.Order == strict && len(found.PriorityGroups) > 0:
		return check.Faultf("name another consumer in NATS_CONSUMER, and run xmpp-notifier init", "NATS_ORDER is strict, and the consumer's priority groups have the policy %s, not pinned_client", policyName(found.PriorityPolicy))
	case c.Order == strict:
		return check.Faultf("run xmpp-notifier init; the server must be NATS 2.11 or newer", "NATS_ORDER is strict, and the consumer has no priority group with the policy pinned_client")
	case isPinning(found):
		return check.Faultf("set NATS_ORDER=strict, or name a consumer without priority groups", "the consumer has the priority groups %q: it delivers to one worker at a time", found.PriorityGroups)
	case len(found.PriorityGroups) > 0:
		return check.Faultf("create a consumer without priority_groups for the worker", "the consumer has the priority groups %q: it delivers only to who names one", found.PriorityGroups)
	}
	return nil
}

func policyName(p jetstream.PriorityPolicy) string {
	text, _ := p.MarshalJSON() // an unknown one has no name
	return string(text)
}
