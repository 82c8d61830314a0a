package outbox

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"
)

// An id is what workers of other versions make of the same notification, and it
// costs an attacker as much as it should to guess the password behind it.
func TestIDsAreThoseOfEveryWorker(t *testing.T) {
	for name, tc := range map[string]struct {
		password bool
		rounds   int
	}{"a key": {false, 1}, "a password": {true, 300_000}} {
		m, err := NewMinter("secret", "r@c", tc.password)
		if err != nil {
			t.Fatal(err)
		}
		key, err := pbkdf2.Key(sha256.New, "secret", []byte("xmpp-notifier r@c"), tc.rounds, 32)
		if err != nil {
			t.Fatal(err)
		}
		sum := func(text string) []byte {
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(text))
			return mac.Sum(nil)
		}
		raw := sum("n1")[:12]
		raw = append(raw, sum("t" + string(raw))[:9]...)
		if got, want := m.ID("1"), base64.RawURLEncoding.EncodeToString(raw); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Whoever lacks the key, or is in another room, can neither make an id nor tell
// what another worker's would be.
func TestOnlyTheKeyOfTheRoomMakesIDs(t *testing.T) {
	m := testMinter(t)
	for name, other := range map[string][2]string{"another key": {"k2", "r@c"}, "another room": {"k", "r2@c"}} {
		o, err := NewMinter(other[0], other[1], false)
		if err != nil {
			t.Fatal(err)
		}
		if id := o.ID("1"); id == m.ID("1") || m.made([]byte(id)) {
			t.Errorf("%s makes an id of ours: %s", name, id)
		}
	}
	id := []byte(m.ID("1"))
	if !m.made(id) {
		t.Fatal("our own id is not ours")
	}
	for i := range id { // every character counts: those of the name and those of the tag
		forged := append([]byte(nil), id...)
		if forged[i]++; forged[i] == '[' || forged[i] == '{' || forged[i] == ':' || forged[i] == '.' || forged[i] == '`' {
			forged[i] = 'A'
		}
		if string(forged) != string(id) && m.made(forged) {
			t.Errorf("%s is taken for ours", forged)
		}
	}
	b := New(1, m)
	if b.Seen([]byte("AAAAAAAAAAAAAAAAAAAAAAAAAAAA"), []byte("r@c/evil"), false, time.Time{}) {
		t.Error("an invented id is remembered")
	}
}
