package outbox

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash"
	"sync"
)

// An id is a name and a tag: name = HMAC(key, identity), tag = HMAC(key, name).
// The same notification gets the same id in every worker, now and after a
// restart; without the key nobody can tell the id of a notification that the
// room has not shown; and whoever has the key can tell an id that a worker
// made from one that somebody invented. The room is part of the key, so an id
// seen in one room says nothing in another.
//
// The name of a digest is that of the names of what it shows: HMAC(key, names).
const (
	nameSize = 12
	tagSize  = 9
	// IDSize is the length of an id, NameSize that of the name in it.
	IDSize   = (nameSize + tagSize) / 3 * 4 // base64
	NameSize = nameSize / 3 * 4
)

// passwordRounds makes it slow to guess the account's password from ids seen in the
// room, where the key is derived from it. It takes 0.1 s: as long as a login,
// and at the same time.
const passwordRounds = 300_000

// Minter makes ids and recognises its own. All but Prepare is for one goroutine at
// a time.
type Minter struct {
	mac  func() hash.Hash // waits for the key
	text []byte           // what is hashed, and
	sum  []byte           // its hash: kept for the next
}

// NewMinter derives the key from a secret and the name of the room. A password is
// a secret that people choose: see passwordRounds.
func NewMinter(secret, room string, password bool) (*Minter, error) {
	rounds := 1
	if password {
		rounds = passwordRounds
	}
	derive := func(rounds int) ([]byte, error) {
		return pbkdf2.Key(sha256.New, secret, []byte("xmpp-notifier "+room), rounds, sha256.Size)
	}
	if _, err := derive(1); err != nil { // what fails at all, fails at once
		return nil, fmt.Errorf("derive the key of message ids: %w", err)
	}
	return &Minter{mac: sync.OnceValue(func() hash.Hash {
		key, _ := derive(rounds)
		return hmac.New(sha256.New, key)
	})}, nil
}

// Prepare derives the key, so that nothing needs to wait for it later. It may
// run beside everything else.
func (m *Minter) Prepare() { m.mac() }

// ID returns the id of the notification with that identity. Without an
// identity every call gives another id.
func (m *Minter) ID(identity string) string {
	var raw [nameSize + tagSize]byte
	if identity == "" {
		_, _ = rand.Read(raw[:nameSize]) // never fails (crypto/rand)
	} else {
		copy(raw[:nameSize], m.hash('n', identity))
	}
	id := m.tagged(raw)
	return string(id[:])
}

// Digest returns the id of a message that shows the notifications with these names,
// in this order: whoever has the key can tell that they belong to it.
func (m *Minter) Digest(names string) string {
	var raw [nameSize + tagSize]byte
	copy(raw[:nameSize], m.hash('d', names))
	id := m.tagged(raw)
	return string(id[:])
}

// named returns the id of the notification with a name, as a digest tells it.
func (m *Minter) named(name []byte) (id shownID, ok bool) {
	var raw [nameSize + tagSize]byte
	if n, err := base64.RawURLEncoding.Decode(raw[:nameSize], name); err != nil || n != nameSize {
		return id, false
	}
	return m.tagged(raw), true
}

// tagged is the id that begins with a name.
func (m *Minter) tagged(raw [nameSize + tagSize]byte) (id shownID) {
	copy(raw[nameSize:], m.hash('t', string(raw[:nameSize])))
	base64.RawURLEncoding.Encode(id[:], raw[:])
	return id
}

// made reports whether a worker with our key made id.
func (m *Minter) made(id []byte) bool {
	var raw [nameSize + tagSize]byte
	if len(id) != IDSize {
		return false
	}
	if _, err := base64.RawURLEncoding.Decode(raw[:], id); err != nil {
		return false
	}
	return hmac.Equal(raw[nameSize:], m.hash('t', string(raw[:nameSize]))[:tagSize])
}

// hash is valid until the next call.
func (m *Minter) hash(purpose byte, data string) []byte {
	m.text = append(append(m.text[:0], purpose), data...)
	mac := m.mac()
	mac.Reset()
	mac.Write(m.text)
	m.sum = mac.Sum(m.sum[:0])
	return m.sum
}
