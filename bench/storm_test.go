//go:build real && linux

package bench_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// storm is how fast very many notifications at once get into a room: one by one, and in
// digests.
func storm(b *bed) string {
	b.Helper()
	text := `How fast very many notifications at once get into a room, from JetStream: one by one, and in digests
(` + "`DIGEST_AFTER=20/1m`" + `). Stock servers limit what a client may send: Prosody to 10 kB/s, ejabberd to 3 kB/s. A kilobyte is one
of what the room sends to an occupant. One run each.

`
	var kept promises
	t := newTable("server", "notifications, one by one", "per second", "per kilobyte", "notifications, in digests", "per second", "per kilobyte", "times as fast")
	for _, p := range products() {
		for _, stock := range []bool{true, false} {
			name, few := p.name+", no limits", fewer(2000)
			if stock {
				name, few = p.name+", stock", fewer(200)
			}
			s := b.serve(p, testbed.Options{Throttle: stock})
			many := fewer(5000)
			alone := b.weather(s, few, nil)
			together := b.weather(s, many, map[string]string{"DIGEST_AFTER": "20/1m"})
			must(b, s.Kill())
			times := together.rate / alone.rate
			t.row(name, fmt.Sprint(few), digits(1, alone.rate), digits(1, alone.density), fmt.Sprint(many), digits(1, together.rate), digits(1, together.density), digits(1, times))
			if stock {
				kept.atLeast(10, name+", digests ÷ one by one", times)
			}
		}
	}
	return text + t.text + "\n" + kept.text
}

// throughStorm is how a worker gets through.
type throughStorm struct{ rate, density float64 } // notifications per second, and per kilobyte

// weather has a worker show n notifications that wait, with more settings.
func (b *bed) weather(s *testbed.XMPP, n int, more map[string]string) throughStorm {
	b.Helper()
	room := b.observe(s)
	defer room.close()
	env := b.fill(b.ways()[0], n)
	maps.Copy(env, more)
	w := b.startWorker(s, env)
	defer b.stop(w)
	begin := time.Now()
	size, err := room.notifications(n)
	must(b, err)
	return throughStorm{float64(n) / time.Since(begin).Seconds(), float64(n) / (float64(size) / 1024)}
}

// notifications reads until n notifications have been shown, alone or in digests, and
// returns how long the messages were.
func (c *client) notifications(n int) (size int, err error) {
	const end, name = "</message>", 16
	var rest []byte
	for shown := 0; shown < n; {
		read, err := c.conn.Read(c.buf)
		if err != nil {
			return 0, fmt.Errorf("observer, after %d of %d notifications: %w", shown, n, err)
		}
		rest = append(rest, c.buf[:read]...)
		for at := bytes.Index(rest, []byte(end)); at >= 0; at = bytes.Index(rest, []byte(end)) {
			message := string(rest[:at])
			rest, size = rest[at+len(end):], size+at+len(end)
			if _, digest, found := strings.Cut(message, "<digest "); found {
				_, names, _ := strings.Cut(digest, ">")
				shown += strings.Index(names, "<") / name
			} else if strings.Contains(message, bodyEnd) {
				shown++
			}
		}
	}
	return size, nil
}
