package e2e_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// idKey is the key of the workers' ids where there are digests.
const idKey = "the key of these tests"

// names are those by which digests name their members: what the observer can only
// tell with the key.
type names map[string]key

// nameSize is the length of a name: base64 of 12 bytes.
const nameSize = 16

var digestElement = regexp.MustCompile(`<digest xmlns=['"]urn:xmpp-notifier:digest:1['"]>([A-Za-z0-9_-]*)</digest>`)

// expect adds the name of a notification that will be published.
func (w *watcher) expect(k key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e := envelope.Envelope{ID: fmt.Sprintf("%d-%d", k.lane, k.number), Source: "e2e"}
	key, _ := pbkdf2.Key(sha256.New, idKey, []byte("xmpp-notifier "+w.options.Room), 1, sha256.Size) // never fails
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("n" + sources.Identity(&e)))
	w.names[base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])] = k
}

// of returns what a digest shows, nil if it is none.
func (n names) of(m observer.Message) []key {
	found := digestElement.FindStringSubmatch(m.Inner)
	if found == nil {
		return nil
	}
	list := []key{}
	for text := found[1]; len(text) >= nameSize; text = text[nameSize:] {
		if k, known := n[text[:nameSize]]; known {
			list = append(list, k)
		}
	}
	return list
}

// digests are the settings of workers that show together what is more than a few.
func digests(every string) map[string]string {
	return map[string]string{"XMPP_ID_KEY": idKey, "DIGEST_AFTER": "20/1m", "DIGEST_EVERY": every}
}

// severe is a notification as notification makes it, of another severity.
func severe(k key, severity string) []byte {
	return []byte(strings.Replace(string(notification(k)), "warning", severity, 1))
}

// mayOvertake notes that a notification may be shown before older ones.
func (w *watcher) mayOvertake(k key) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.urgent[k] = true
}

// before is how many notifications were shown before one.
func (w *watcher) before(k key) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Index(w.sequence, k)
}
