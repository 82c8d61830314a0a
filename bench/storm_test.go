//go:build real && linux

package bench_test

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// storm is how fast very many notifications at once get into a room: one by one, and in
// digests.
func storm(b *bed) string {
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
				kept.least(10, times, "%s, digests ÷ one by one", name)
			}
		}
	}
	return text + t.text + "\n" + kept.text
}

// throughStorm is how a worker gets through.
type throughStorm struct{ rate, density float64 } // notifications per second, and per kilobyte

// weather has a worker show n notifications that wait, with more settings.
func (b *bed) weather(s *testbed.XMPP, n int, more map[string]string) throughStorm {
	room := b.observe(s)
	defer room.close()
	env := b.fill(b.ways[0], n)
	maps.Copy(env, more)
	defer b.stop(b.startWorker(s, env))
	begin, size := time.Now(), 0
	for shown := 0; shown < n; {
		message, err := room.until("</message>")
		must(b, err)
		size += len(message)
		if names := digest.FindSubmatch(message); names != nil {
			shown += len(names[1]) / 16
		} else if bytes.Contains(message, []byte(bodyEnd)) {
			shown++
		}
	}
	return throughStorm{float64(n) / time.Since(begin).Seconds(), float64(n) / (float64(size) / 1024)}
}

// digest has the names of a digest's members, of 16 bytes each.
var digest = regexp.MustCompile(`<digest [^>]*>([^<]*)`)
