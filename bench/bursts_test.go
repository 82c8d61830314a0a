//go:build real && linux

package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	burstRounds = 40
	// burstPause lets everybody come to rest.
	burstPause = 20 * time.Millisecond
	// stall is what takes as long only if somebody waited for a delayed
	// acknowledgement of TCP, which Linux gives after 40 ms.
	stall = 38 * time.Millisecond
)

// burster sends n messages at once and returns when the last has come back.
type burster struct {
	name string
	send func(n int) error
}

// bursts shows who waits 40 ms for whom.
func bursts(b *bed) string {
	b.Helper()
	t := newTable("", "messages at once", "p50 ms", "p99 ms", "stalled by 40 ms")
	for _, p := range append(products(), product{"jabberd2", testbed.Jabberd2}) {
		b.Run(p.name, func(t2 *testing.T) { (&bed{t2, b.common}).burstsOn(p, t) })
	}
	return "From the call that sends until the last echo is back. A server that leaves Nagle's algorithm on (Prosody, jabberd2) may hold\n" +
		"the last segment back until the client's TCP has acknowledged the one before, which it delays by 40 ms if it has nothing\n" +
		"to send. A client can avoid it by acknowledging at once (TCP_QUICKACK), but not what happens between the processes of\n" +
		"jabberd2. While a backlog flows, each echo is answered with the next message, and nobody waits.\n\n" + t.text
}

func (b *bed) burstsOn(p product, t *table) {
	b.Helper()
	s := b.serve(p, testbed.Options{})
	all := b.bursters(s)
	for _, n := range []int{1, 5, window / 3} {
		took := map[string][]time.Duration{}
		for range fewer(burstRounds) {
			for _, who := range all {
				<-time.After(burstPause)
				begin := time.Now()
				must(b, who.send(n))
				took[who.name] = append(took[who.name], time.Since(begin))
			}
		}
		for _, who := range all {
			list := took[who.name]
			slices.Sort(list)
			stalled := len(list) - slices.IndexFunc(append(list, time.Hour), func(d time.Duration) bool { return d >= stall })
			t.row(p.name+", "+who.name, fmt.Sprint(n), fmt.Sprintf("%.1f", quantile(list, 0.5)), fmt.Sprintf("%.1f", quantile(list, 0.99)),
				fmt.Sprintf("%.0f %%", 100*float64(stalled)/float64(len(list))))
		}
	}
}

// bursters are in the room until the end of the part.
func (b *bed) bursters(s *server) []burster {
	b.Helper()
	all := []burster{b.bareBurster(s, false), b.bareBurster(s, true)}
	room := b.room(s.place)
	sent := 0
	return append(all, burster{sinkAlone, func(n int) error {
		var left sync.WaitGroup
		left.Add(n)
		for range n {
			sent++
			m := sink.Message{Identity: fmt.Sprint("burst", sent), Body: burstBody, Done: func(sink.Result) { left.Done() }}
			if err := room.Submit(b.Context(), m); err != nil {
				return err
			}
		}
		left.Wait()
		return nil
	}})
}

var burstBody = strings.Repeat("300 bytes ", 30) //nolint:gochecknoglobals // a constant

func (b *bed) bareBurster(s *server, quick bool) burster {
	b.Helper()
	name := map[bool]string{false: "bare", true: "bare with TCP_QUICKACK"}[quick]
	c, err := dial(b.Context(), s.place, "notifier", strings.ReplaceAll(name, " ", "-"))
	must(b, err)
	b.Cleanup(func() { _ = c.conn.Close() })
	c.mark = []byte(name + "</body>") // others are sending, too
	return burster{name, func(n int) error {
		for behind := true; behind; { // what the others have sent meanwhile
			_ = c.conn.SetReadDeadline(time.Now().Add(time.Millisecond))
			_, err := c.echoes()
			behind = err == nil
		}
		_ = c.conn.SetReadDeadline(time.Now().Add(patience))
		if _, err := c.conn.Write(s.stanzas(n, "burst", burstBody+name).text); err != nil {
			return err
		}
		for back := 0; back < n; {
			if quick {
				_ = c.prompt()
			}
			more, err := c.echoes()
			if err != nil {
				return err
			}
			back += more
		}
		return nil
	}}
}
