package sources

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// Delivery is a message that the broker waits for, until one of Ack, Release
// and Reject succeeds. Further calls do nothing and return nil.
type Delivery struct {
	Message
	// Envelopes are the notifications once Decode has been called: one of most
	// messages, several of a batch. None if Malformed is set.
	Envelopes []envelope.Envelope
	// Envelope is the first of them, empty if there is none.
	Envelope *envelope.Envelope
	// Malformed says why the message does not decode, or must not be decoded, which
	// the source knows. Such a delivery can only be rejected.
	Malformed error
	// Received is when the source handed it over.
	Received time.Time

	settler Settler
	signer  *Signer
	state   atomic.Int32
}

const (
	unsettled int32 = iota
	settling
	settled
)

// errSettling reports two verbs at the same time on one delivery.
var errSettling = errors.New("delivery is being settled by another call")

// NewDelivery makes a delivery of m, which s settles. Nothing is decoded yet: that takes
// memory, and its turn may come late.
func NewDelivery(m Message, s Settler) *Delivery {
	d := new(Delivery)
	d.Init(m, s)
	return d
}

// Init makes of an empty Delivery, which may be part of its settler, what
// NewDelivery returns.
func (d *Delivery) Init(m Message, s Settler) {
	d.Message, d.Received, d.settler = m, time.Now(), s
	d.Envelope = new(envelope.Envelope)
}

// Decode makes the notifications of the message.
func (d *Delivery) Decode(decoder envelope.Decoder) {
	if d.Malformed != nil {
		return
	}
	d.Envelopes, d.Malformed = d.DecodeAgain(decoder)
	if d.Malformed == nil {
		d.Envelope = &d.Envelopes[0]
	}
}

// DecodeAgain returns the notifications of a message that has been decoded and trimmed.
func (d *Delivery) DecodeAgain(decoder envelope.Decoder) ([]envelope.Envelope, error) {
	raw := d.Raw
	raw.From = envelope.Place{Topic: d.Topic, Key: d.Key, Time: d.Time}
	decoded, err := decoder.Decode(raw)
	return decoded.Envelopes, err
}

// Trim drops of the notifications what only showing them needs. Their names, their
// severities and their traces stay.
func (d *Delivery) Trim() {
	for i := range d.Envelopes {
		e := &d.Envelopes[i]
		*e = envelope.Envelope{ID: e.ID, Source: e.Source, Severity: e.Severity, Trace: e.Trace}
	}
}

// Trust has the delivery take the identity that a replay gave it, and prove its
// own when it is rejected, both by signer.
func (d *Delivery) Trust(signer *Signer) {
	d.signer = signer
	if identity := d.Get(replayHeader); identity != "" && signer.verify(identity, d.Body, d.Get(replayProof)) {
		d.origin = identity
	}
}

// NewUndecoded makes a delivery of m without looking into it, for the reason that err
// tells: it may have crashed whoever did. It can only be rejected.
func NewUndecoded(m Message, s Settler, err error) *Delivery {
	d := NewDelivery(m, s)
	d.Malformed = err
	return d
}

// Identity names the first notification; see PartIdentity.
func (d *Delivery) Identity() string { return d.PartIdentity(0) }

// PartIdentity names one of the Envelopes: equal for all copies of it, wherever
// they come from. It is the publisher's source and id where there is an id
// (CloudEvents requires source+id to be unique); without a source the topic or
// subject stands for it; without an id it is the place in the broker.
func (d *Delivery) PartIdentity(part int) string {
	if part < len(d.Envelopes) && d.Envelopes[part].ID != "" {
		return d.named(d.Envelopes[part].Source, d.Envelopes[part].ID)
	}
	if part > 0 {
		return join("part", strconv.Itoa(part), d.identity())
	}
	return d.identity()
}

// named is the identity of the notification to which a publisher has given an id.
func (d *Delivery) named(source, id string) string {
	if source == "" {
		return join("id", "", d.Topic, id)
	}
	return join("id", source, id)
}

// FollowedIdentity names what one of the Envelopes ends or supersedes, "" for nothing:
// the identity that this has, from the same publisher.
func (d *Delivery) FollowedIdentity(part int) string {
	e := &d.Envelopes[part]
	if e.Follows == "" {
		return ""
	}
	return d.named(e.Source, e.Follows)
}

// LineIdentity names the line beside a notification with that identity.
func LineIdentity(identity string) string { return join("line", identity) }

// GroupIdentity names several of the Envelopes that are shown as one: equal for
// all copies of the same ones, in any order.
func (d *Delivery) GroupIdentity(parts []int) string {
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = d.PartIdentity(part)
	}
	slices.Sort(names)
	sum := sha256.Sum256([]byte(join(names...)))
	return join("group", string(sum[:]))
}

// Identity is that of a notification whose publisher gave it an id, and else "".
func Identity(e *envelope.Envelope) string {
	if e.ID == "" {
		return ""
	}
	return join("id", e.Source, e.ID)
}

// Ack tells the broker that the notification has been delivered. durable is
// called once when a crash would no longer bring it back; see Settler.
func (d *Delivery) Ack(durable func()) error {
	return d.settle(func() error { return d.settler.Ack(durable) })
}

// Release lets the broker deliver the message again, after delay.
func (d *Delivery) Release(delay time.Duration) error {
	return d.settle(func() error { return d.settler.Release(delay) })
}

// Reject moves the message to the dead letters and acknowledges it.
func (d *Delivery) Reject(ctx context.Context, reason Reason) error {
	return d.settle(func() error {
		reason.identity = d.identity()
		reason.proof = d.signer.sign(reason.identity, d.Body)
		return d.settler.Reject(ctx, reason)
	})
}

// Lost is closed when the delivery is about to belong to somebody else: if it has
// not been sent, it must not be. Nil: never.
func (d *Delivery) Lost() <-chan struct{} { return d.settler.Lost() }

func (d *Delivery) settle(verb func() error) error {
	if !d.state.CompareAndSwap(unsettled, settling) {
		if d.state.Load() == settled {
			return nil
		}
		return errSettling
	}
	if err := verb(); err != nil {
		d.state.Store(unsettled)
		return err
	}
	d.state.Store(settled)
	return nil
}
