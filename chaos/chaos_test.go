//go:build real

package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestReal drives every fault on every server, on all of them at once.
// CHAOS_RUNS is how often, CHAOS_ONLY a regular expression for the faults,
// CHAOS_OUT the page whose section to write.
func TestReal(t *testing.T) {
	b := newBed(t)
	r := &report{bed: b, began: time.Now(), load: load()}
	for i, k := range kinds() {
		r.sets = append(r.sets, &serverSet{
			bed: b, kind: k, running: map[testbed.Options]*testbed.XMPP{},
			random: rand.New(rand.NewPCG(b.seed, uint64(i))), //nolint:gosec // it chooses moments
		})
	}
	only := regexp.MustCompile(os.Getenv("CHAOS_ONLY"))
	t.Run("on", func(t *testing.T) { // returns when all have ended
		for _, f := range r.sets {
			t.Run(f.kind.name, func(t *testing.T) {
				t.Parallel()
				f.run(t, only)
			})
		}
	})
	if out := os.Getenv("CHAOS_OUT"); out != "" {
		must(t, r.write(out, only.String()))
	}
}

// serverSet holds the servers of one kind, by their options, and what was seen.
type serverSet struct {
	t       *testing.T
	bed     *bed
	kind    serverKind
	random  *rand.Rand
	running map[testbed.Options]*testbed.XMPP
	rows    []*row
	depths  *depths
}

// run drives all faults on one kind of server.
func (f *serverSet) run(t *testing.T, only *regexp.Regexp) {
	f.t = t
	for _, what := range faults() {
		if testing.Short() && !what.short || !only.MatchString(what.name) || what.only != "" && what.only != f.kind.name {
			continue
		}
		t.Run(what.name, func(t *testing.T) { f.rows = append(f.rows, f.drive(t, what)) })
	}
	if !testing.Short() && only.MatchString("depth") {
		t.Run("depth", f.depth)
	}
}

func (f *serverSet) server(o testbed.Options) *testbed.XMPP {
	f.t.Helper()
	if f.running[o] == nil {
		f.running[o] = f.bed.start(f.t, f.kind, o)
	}
	return f.running[o]
}

// usual is how many notifications a trial has.
const usual = 2000

// drive runs all trials of one fault.
func (f *serverSet) drive(t *testing.T, what fault) *row {
	t.Helper()
	x := f.server(what.options)
	n := what.n
	if n == 0 {
		n = usual
	}
	r := &row{fault: what}
	for i := range f.bed.runs {
		ok := t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			tr := f.begin(t, x, what, n)
			for ; !tr.underLoad() && n < 16*usual; n *= 2 { // the machine was busy with other things
				tr.worker().stop()
				tr = f.begin(t, x, what, 2*n)
			}
			begun := time.Now()
			o := tr.end(begun, what.drive(tr))
			t.Logf("%+v", o)
			o.check(t, what)
			r.add(o)
		})
		if !ok {
			r.failed++
		}
	}
	return r
}
