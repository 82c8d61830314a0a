package outbox

import "hash/maphash"

// maxShownIDs bounds what a worker remembers: at some 60 bytes each, hours of
// reflections at the pace of a busy room, and all that a history of digests shows.
const maxShownIDs = 32 << 10

type shownID [IDSize]byte

// showing is when the room was first seen to show an id, and from which occupant.
type showing struct {
	nth  uint32 // in the order of all; of what a digest shows it is that of the digest
	from uint32 // hashed
	kind kind
}

// kind says how a notification was shown.
type kind uint8

const (
	single   kind = iota // in a message of its own
	gathered             // in a digest
	several              // it is the id of a digest
)

// shownIDs remembers which notifications the room has shown, by their ids: our
// own reflections, those of other workers, and the room's history. The oldest
// are forgotten first. It is not safe for concurrent use.
type shownIDs struct {
	ids   *Minter
	seed  maphash.Seed
	shown map[shownID]showing
	count uint32 // how many there were
	ring  []shownID
	next  int
}

func newShownIDs(m *Minter) *shownIDs {
	return &shownIDs{ids: m, seed: maphash.MakeSeed(), shown: make(map[shownID]showing)}
}

// idStatus is what is known of an id that the room shows.
type idStatus int

const (
	invented  idStatus = iota // no worker made it
	firstSeen                 // a worker did, and it was not shown before
	copied                    // it was, from another occupant: whoever was shown a message can repeat its id
	seenAgain                 // it was, from this one
)

// add records that the room has shown id from an occupant. That a worker made the id
// is certain if it is ours. It returns what was known of it, and its number in
// the order in which ids were first shown. Invented ids are not recorded: nobody
// can flood the memory or suppress a notification.
func (l *shownIDs) add(id, from []byte, ours bool) (idStatus, uint32) {
	if len(id) != IDSize {
		return invented, 0
	}
	key, who := shownID(id), l.hash(from)
	if first, again := l.shown[key]; again && first.from == who {
		return seenAgain, first.nth
	} else if again {
		return copied, first.nth
	}
	if !ours && !l.ids.made(id) {
		return invented, 0
	}
	l.count++
	l.put(key, showing{l.count, who, single})
	return firstSeen, l.count
}

// gather records that a digest, which the room has shown, shows a notification.
func (l *shownIDs) gather(id, digest shownID) {
	of, known := l.shown[digest]
	if _, before := l.shown[id]; before || !known {
		return
	}
	l.put(id, showing{of.nth, of.from, gathered})
}

// mark notes that id, which the room has shown, is that of a digest.
func (l *shownIDs) mark(id shownID) {
	if s, known := l.shown[id]; known {
		s.kind = several
		l.shown[id] = s
	}
}

func (l *shownIDs) put(id shownID, s showing) {
	l.shown[id] = s
	if len(l.ring) < maxShownIDs {
		l.ring = append(l.ring, id)
		return
	}
	delete(l.shown, l.ring[l.next])
	l.ring[l.next] = id
	l.next = (l.next + 1) % maxShownIDs
}

// move notes that the room shows id from another occupant now. It must be certain.
func (l *shownIDs) move(id, from []byte) {
	key := shownID(id)
	s := l.shown[key]
	s.from = l.hash(from)
	l.shown[key] = s
}

func (l *shownIDs) hash(from []byte) uint32 {
	return uint32(maphash.Bytes(l.seed, from)) //nolint:gosec // a part of the hash is enough
}

// has reports whether the room is known to have shown id.
func (l *shownIDs) has(id string) bool {
	if len(id) != IDSize {
		return false
	}
	_, known := l.shown[shownID([]byte(id))]
	return known
}
