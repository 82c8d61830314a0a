//go:build real && linux

package bench_test

import (
	"fmt"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// slow is a server that is slow on purpose.
type slow struct {
	product
	testbed.Options
	// before is how many messages make the archive slow.
	before int
	// Of the n messages of a run the first do not count: the server lets
	// them through at once.
	n, first int
	turns    int // of each contestant
}

// limits measures on servers with the limits that Debian ships.
func limits(b *bed) string {
	b.Helper()
	all := products()
	return "Prosody takes 10 kB/s from a connection, ejabberd 3 kB/s after the first 20 kB. Both are behind by seconds as long as\n" +
		"there is a backlog; nobody must take that for a dead connection.\n\n" +
		b.slowness(slow{all[0], testbed.Options{Throttle: true}, 0, 130, 20, b.rounds * 2 / 5}, slow{all[1], testbed.Options{Throttle: true}, 0, 130, 60, b.rounds * 2 / 5})
}

// archive measures in a room whose archive has grown slow: Prosody's at its
// limit of 10,000 messages, ejabberd's in Mnesia from the start.
func archive(b *bed) string {
	b.Helper()
	all := products()
	return "Prosody's default archive is slow once it has reached its limit of 10,000 messages, ejabberd's in Mnesia the slower the\n" +
		"more it holds: so the turns are short.\n\n" +
		b.slowness(slow{all[0], testbed.Options{Archive: true}, 10_200, 100, 20, 2 * b.rounds}, slow{all[1], testbed.Options{Archive: true}, 1500, 120, 20, 2 * b.rounds})
}

func (b *bed) slowness(all ...slow) string {
	b.Helper()
	names := []string{bareInTurn, sinkAlone, jetstreamed}
	t := newTable("per second", bareInTurn, sinkAlone, "÷ bare", jetstreamed, "÷ bare", "shown twice", "reconnects")
	var kept promises
	for _, what := range all {
		rounds, repeats, reconnects := b.slowRounds(what)
		cells := []string{what.name}
		for _, name := range names {
			cells = append(cells, of(rounds, name, rate).whole())
			if name == bareInTurn {
				continue
			}
			r := ratio(rounds, name, bareInTurn, rate)
			cells = append(cells, r.String())
			kept.atLeast(0.95, what.name+", "+name+" ÷ bare", r.median)
		}
		t.row(append(cells, fmt.Sprint(repeats), fmt.Sprint(reconnects))...)
		kept.add(repeats == 0, fmt.Sprintf("%s: %d shown twice, promised none", what.name, repeats))
		kept.add(reconnects == 0, fmt.Sprintf("%s: %d reconnects, promised none", what.name, reconnects))
	}
	return t.text + "\n" + kept.text
}

func (b *bed) slowRounds(what slow) (rounds []round, repeats, reconnects int) {
	b.Helper()
	s := b.serve(what.product, what.Options)
	defer func() { must(b, s.Kill()) }()
	body := b.rendered(s)
	if n := fewer(what.before); what.before > 0 {
		_, err := b.one(s, contestant{"archive", bare, 128, n, 0}, body)
		must(b, err)
	}
	w := b.witness(s)
	list := []contestant{
		{bareInTurn, bare, window, what.n, what.first}, {sinkAlone, viaSink, window, what.n, what.first}, {jetstreamed, viaNATS, window, what.n, what.first},
	}
	for i := range max(1, what.turns) {
		rounds = append(rounds, b.turns(s, list, body, i))
	}
	for _, r := range rounds {
		reconnects += r[jetstreamed].Joins - 1
	}
	return rounds, w.repeats(), reconnects
}

// witness is another occupant, who looks at every id.
type witness struct {
	*observer.Observer
	mu    sync.Mutex
	shown map[string]int
}

func (b *bed) witness(s *server) *witness {
	b.Helper()
	w := &witness{shown: map[string]int{}}
	roots, err := s.roots()
	must(b, err)
	w.Observer, err = observer.Join(b.Context(), observer.Options{
		Addr: s.place.Addr, Domain: s.place.Domain, User: "other", Password: testbed.Password("other"), CA: roots,
		Room: s.Room, Nick: "witness", OnMessage: w.see,
	})
	must(b, err)
	b.Cleanup(w.Close)
	return w
}

func (w *witness) see(m observer.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shown[m.ID]++
}

// repeats waits for stragglers and counts what came more than once.
func (w *witness) repeats() int {
	<-time.After(time.Second)
	w.mu.Lock()
	defer w.mu.Unlock()
	repeated := 0
	for _, n := range w.shown {
		repeated += n - 1
	}
	return repeated
}
