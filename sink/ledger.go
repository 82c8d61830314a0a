package sink

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"hash/maphash"
	"sync"
)

// An id is a name and a tag: name = HMAC(key, identity), tag = HMAC(key, name).
// The same notification gets the same id in every worker, now and after a
// restart; without the key nobody can tell the id of a notification that the
// room has not shown; and whoever has the key can tell an id that a worker
// made from one that somebody invented. The room is part of the key, so an id
// seen in one room says nothing in another.
const (
	nameSize = 12
	tagSize  = 9
	idSize   = (nameSize + tagSize) / 3 * 4 // base64
)

// keyRounds makes it slow to guess the account's password from ids seen in the
// room, where the key is derived from it. It takes 0.1 s: as long as a login,
// and at the same time.
const keyRounds = 300_000

// minter makes ids and recognises its own. It is not safe for concurrent use.
type minter struct {
	mac  func() hash.Hash // waits for the key
	text []byte           // what is hashed, and
	sum  []byte           // its hash: kept for the next
}

func newMinter(cfg Config) (*minter, error) {
	secret, rounds := cfg.IDKey.Reveal(), 1
	if secret == "" {
		secret, rounds = cfg.Password.Reveal(), keyRounds
	}
	derive := func(rounds int) ([]byte, error) {
		return pbkdf2.Key(sha256.New, secret, []byte("xmpp-notifier "+cfg.Room), rounds, sha256.Size)
	}
	if _, err := derive(1); err != nil { // what fails at all, fails at once
		return nil, fmt.Errorf("derive the key of message ids: %w", err)
	}
	return &minter{mac: sync.OnceValue(func() hash.Hash {
		key, _ := derive(rounds)
		return hmac.New(sha256.New, key)
	})}, nil
}

// prepare derives the key, so that nothing needs to wait for it later. It may
// run beside everything else.
func (m *minter) prepare() { m.mac() }

// id returns the id of the notification with that identity. Without an
// identity every call gives another id.
func (m *minter) id(identity string) string {
	var raw [nameSize + tagSize]byte
	if identity == "" {
		_, _ = rand.Read(raw[:nameSize]) // never fails (crypto/rand)
	} else {
		copy(raw[:nameSize], m.hash('n', identity))
	}
	copy(raw[nameSize:], m.hash('t', string(raw[:nameSize])))
	var id [idSize]byte
	base64.RawURLEncoding.Encode(id[:], raw[:])
	return string(id[:])
}

// made reports whether a worker with our key made id.
func (m *minter) made(id []byte) bool {
	var raw [nameSize + tagSize]byte
	if len(id) != idSize {
		return false
	}
	if _, err := base64.RawURLEncoding.Decode(raw[:], id); err != nil {
		return false
	}
	return hmac.Equal(raw[nameSize:], m.hash('t', string(raw[:nameSize]))[:tagSize])
}

// hash is valid until the next call.
func (m *minter) hash(purpose byte, data string) []byte {
	m.text = append(append(m.text[:0], purpose), data...)
	mac := m.mac()
	mac.Reset()
	mac.Write(m.text)
	m.sum = mac.Sum(m.sum[:0])
	return m.sum
}

// ledgerSize bounds what a worker remembers: at some 60 bytes each, and hours of
// reflections at the pace of a busy room.
const ledgerSize = 16 << 10

type shownID [idSize]byte

// sight is when the room was first seen to show an id, and from where.
type sight struct {
	nth  uint32 // in the order of all
	seat uint32 // hashed
}

// ledger remembers which notifications the room has shown, by their ids: our
// own reflections, those of other workers, and the room's history. The oldest
// are forgotten first. It is not safe for concurrent use.
type ledger struct {
	minter *minter
	seed   maphash.Seed
	shown  map[shownID]sight
	count  uint32 // how many there were
	ring   []shownID
	next   int
}

func newLedger(m *minter) *ledger {
	return &ledger{minter: m, seed: maphash.MakeSeed(), shown: make(map[shownID]sight)}
}

// acquaintance is what a ledger knows of an id that the room shows.
type acquaintance int

const (
	invented  acquaintance = iota // no worker made it
	firstSeen                     // a worker did, and it was not shown before
	copied                        // it was, from another seat: whoever was shown a message can repeat its id
	seenAgain                     // it was, from this one
)

// add records that the room has shown id from a seat. That a worker made the id
// is certain if it is ours. It returns what was known of it, and its number in
// the order in which ids were first shown. Invented ids are not recorded: nobody
// can flood the memory or suppress a notification.
func (l *ledger) add(id, seat []byte, ours bool) (acquaintance, uint32) {
	if len(id) != idSize {
		return invented, 0
	}
	key, from := shownID(id), l.hash(seat)
	if first, again := l.shown[key]; again && first.seat == from {
		return seenAgain, first.nth
	} else if again {
		return copied, first.nth
	}
	if !ours && !l.minter.made(id) {
		return invented, 0
	}
	l.count++
	l.shown[key] = sight{l.count, from}
	if len(l.ring) < ledgerSize {
		l.ring = append(l.ring, key)
		return firstSeen, l.count
	}
	delete(l.shown, l.ring[l.next])
	l.ring[l.next] = key
	l.next = (l.next + 1) % ledgerSize
	return firstSeen, l.count
}

// move notes that the room shows id from another seat now. It must be certain.
func (l *ledger) move(id, seat []byte) {
	key := shownID(id)
	l.shown[key] = sight{l.shown[key].nth, l.hash(seat)}
}

func (l *ledger) hash(seat []byte) uint32 {
	return uint32(maphash.Bytes(l.seed, seat)) //nolint:gosec // a part of the hash is enough
}

// has reports whether the room is known to have shown id.
func (l *ledger) has(id string) bool {
	if len(id) != idSize {
		return false
	}
	_, known := l.shown[shownID([]byte(id))]
	return known
}
