package sink_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// What the room shows has the id that the key or, where there is none, the password and
// the address of the room make: a worker of another version must know it.
func TestMessagesHaveTheIDsOfTheKeyOrThePassword(t *testing.T) {
	for name, tc := range map[string]struct {
		key    string
		secret string // of which the key is derived
		rounds int
	}{
		"a key":     {"a key", "a key", 1},
		"no key":    {"", "notifier-pw", 300_000},
		"other key": {"other", "other", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, sinktest.Config{})
			cfg := settings(t, srv)
			cfg.IDKey = config.NewSecret(tc.key)
			c := openRoom(t, cfg)
			if err := c.Submit(t.Context(), sink.Message{Identity: "1", Body: "one", Done: func(r sink.Result) { c.done("one", r) }}); err != nil {
				t.Fatal(err)
			}
			c.delivered(1)
			key, err := pbkdf2.Key(sha256.New, tc.secret, []byte("xmpp-notifier "+srv.RoomJID()), tc.rounds, 32)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := srv.Transcript()[0].ID, idOf(key, "1"); got != want {
				t.Errorf("the id is %s, want %s", got, want)
			}
		})
	}
}

// idOf is the id of a notification: a name, and a tag that proves it.
func idOf(key []byte, identity string) string {
	sum := func(text string) []byte {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	raw := sum("n" + identity)[:12]
	raw = append(raw, sum("t" + string(raw))[:9]...)
	return base64.RawURLEncoding.EncodeToString(raw)
}
