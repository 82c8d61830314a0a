package outbox

import (
	"math"
	"slices"
	"strings"
	"time"
)

// digests are the messages in flight that show several notifications. They are
// entries like others: one slot, one id, one reflection.
type digests struct {
	parts map[string]*part // what they show, by id
	most  int              // how many notifications one may show
	bare  bool             // in this session the room shows them without the names of what they show
	hold  hold
}

func newDigests() digests { return digests{parts: make(map[string]*part), most: math.MaxInt} }

// digest is what an entry shows that was submitted as several notifications.
type digest struct {
	parts    []*part
	text     func(members []int) (body, extra string)
	composed int // of how many parts the text is
}

// part is a notification that a digest shows.
type part struct {
	Member
	id string
	at int // its index in the message that was submitted
}

// LimitMembers has digests show no more than n notifications from now on. Those in
// flight that show more are halved when they are sent, or sent again.
func (b *Outbox) LimitMembers(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.digests.most = n
}

// MaxMembers is how many notifications a digest may show, 0 if the room does not show
// their names: then it could tell nobody what it has shown.
func (b *Outbox) MaxMembers() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.maxMembers()
}

func (b *Outbox) maxMembers() int {
	if b.digests.bare {
		return 0
	}
	return b.digests.most
}

// gather takes the members of m, but for those that the room has shown, or will when
// what is in flight is shown.
func (b *Outbox) gather(m Message) *digest {
	d := &digest{text: m.Compose, parts: make([]*part, 0, len(m.Members))}
	for i, member := range m.Members {
		id, again := b.again(member, false)
		if again {
			continue
		}
		p := &part{member, id, i}
		b.digests.parts[id] = p
		d.parts = append(d.parts, p)
	}
	return d
}

// waitingFor returns who waits for the notification with that id, nil if it is not in flight.
func (b *Outbox) waitingFor(id string) *Member {
	if e, ok := b.inflight[id]; ok {
		return &e.Member
	}
	if p, ok := b.digests.parts[id]; ok {
		return &p.Member
	}
	return nil
}

// compose makes the text and the id of a digest that is about to be sent, unless it
// has them: those leave it that were shown otherwise since, or were lost before it was
// sent. It reports whether e is to be sent.
func (b *Outbox) compose(e *entry) bool {
	d := e.digest
	b.dropParts(e, !e.sent)
	switch n := len(d.parts); {
	case n == 0:
		b.settle(e, Result{Outcome: Suppressed}) // nobody waits for it
		return false
	case n > max(1, b.maxMembers()):
		b.halve(e)
		return false
	case n == d.composed:
		return true
	case n == 1:
		b.rename(e, d.parts[0].id, "")
		delete(b.digests.parts, e.id)
		e.Member, e.digest = d.parts[0].Member, nil
	default:
		names := namesOf(d.parts)
		b.rename(e, b.ids.Digest(names), names)
	}
	members := make([]int, len(d.parts))
	for i, p := range d.parts {
		members[i] = p.at
	}
	e.Body, e.Extra = d.text(members)
	d.composed = len(members)
	return true
}

// dropParts settles the parts of e, if that is a digest, that were shown otherwise, and
// also those that were lost, if they are not to be sent.
func (b *Outbox) dropParts(e *entry, alsoLost bool) {
	if d := e.digest; d != nil {
		d.parts = slices.DeleteFunc(d.parts, func(p *part) bool { return b.leaves(p, alsoLost) })
	}
}

// leaves settles p if it need not be shown any more.
func (b *Outbox) leaves(p *part, alsoLost bool) bool {
	r := Result{Outcome: Suppressed, ID: p.id}
	switch {
	case alsoLost && isClosed(p.Lost):
		r.Outcome, r.Err = Dropped, ErrLost
	case !b.shownIDs.has(p.id):
		return false
	}
	delete(b.digests.parts, p.id)
	b.settled = append(b.settled, settlement{p.Done, r, false})
	b.notify()
	return true
}

// rename gives e another id, and the names of what it shows.
func (b *Outbox) rename(e *entry, id, names string) {
	delete(b.inflight, e.id)
	e.id, e.Names = id, names
	b.inflight[id] = e
}

// namesOf are the names of parts, one after the other.
func namesOf(parts []*part) string {
	var names strings.Builder
	names.Grow(len(parts) * NameSize)
	for _, p := range parts {
		names.WriteString(p.id[:NameSize])
	}
	return names.String()
}

// reject gives up e, for the reason why. A digest is taken apart instead, until only
// what is at fault is given up.
func (b *Outbox) reject(e *entry, why error) {
	if e.digest != nil {
		b.halve(e)
		return
	}
	b.settle(e, Result{Outcome: Rejected, Err: why})
}

// halve has two digests take the place of e, which is more than one. The second keeps
// its slot among those in flight, until all is settled.
func (b *Outbox) halve(e *entry) {
	d, half := e.digest, len(e.digest.parts)/2
	halves := []*entry{
		{digest: &digest{parts: d.parts[:half:half], text: d.text}},
		{digest: &digest{parts: d.parts[half:], text: d.text}, hasSlot: e.hasSlot, yielded: e.yielded},
	}
	delete(b.inflight, e.id)
	b.to(e, over)
	for _, h := range halves {
		h.id = b.ids.ID("") // until it is composed
		b.inflight[h.id] = h
		b.in[waiting]++
		if len(h.digest.parts) > 1 { // what has failed as a whole is not tried as often again
			h.failures = failures{alone: maxAlone - 1, streamEnds: maxStreamEnds}
		}
		if h.proven = e.proven; h.proven { // it is not the room's fault: there may be nothing else to prove it again
			b.to(h, setAside)
		}
		h.overtaken, h.refused = min(e.overtaken, mostOvertaken-1), e.refused
	}
	at := slices.Index(b.queue, e)
	b.queue = slices.Replace(b.queue, at, at+1, halves...)
	b.noteOldest(time.Now())
}

// settleParts settles what a digest shows, which is known from now on if it
// knows the digest.
func (b *Outbox) settleParts(d *digest, r Result) {
	r.Together = len(d.parts)
	b.shownIDs.mark(shownID([]byte(r.ID)))
	for _, p := range d.parts {
		b.shownIDs.gather(shownID([]byte(p.id)), shownID([]byte(r.ID)))
		delete(b.digests.parts, p.id)
		b.settled = append(b.settled, settlement{p.Done, r, false})
	}
}

// gathered takes the names of what a message shows that the room has shown. They are
// genuine if its id is made over them. One of our own (own) that has lost them says
// what the room does with all: bare is true for the first of these.
func (b *Outbox) gathered(id, names []byte, own bool) (bare bool) {
	digest := shownID(id)
	if len(names) == 0 || b.ids.Digest(string(names)) != string(id) {
		bare = own && b.shownIDs.shown[digest].kind == several && !b.digests.bare
		b.digests.bare = b.digests.bare || bare
		return bare
	}
	b.shownIDs.mark(digest)
	for name := range slices.Chunk(names, NameSize) {
		if member, ok := b.ids.named(name); ok {
			b.shownIDs.gather(member, digest)
		}
	}
	return false
}
