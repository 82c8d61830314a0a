//go:build real

package chaos_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestReal drives every fault on every server. CHAOS_RUNS is how often,
// CHAOS_OUT is where to write the table.
func TestReal(t *testing.T) {
	b := newBed(t)
	r := &report{bed: b, begin: load()}
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			fleet := &fleet{T: t, bed: b, kind: k, running: map[testbed.Options]*testbed.XMPP{}}
			for _, f := range faults() {
				if testing.Short() && !f.short {
					continue
				}
				t.Run(f.name, func(t *testing.T) { r.rows = append(r.rows, fleet.drive(t, f)) })
			}
		})
	}
	if !testing.Short() {
		for _, k := range kinds() {
			t.Run("depth on "+k.name, func(t *testing.T) { r.depths = append(r.depths, b.depth(t, k)) })
		}
	}
	if out := os.Getenv("CHAOS_OUT"); out != "" {
		brokers, err := testbed.Section(out, "The brokers") // another suite's part of the page
		must(t, err)
		if brokers != "" {
			brokers = "\n" + brokers
		}
		must(t, os.WriteFile(out, []byte(r.markdown()+brokers), 0o644)) //nolint:gosec // for everybody to read
	}
}

// fleet holds the servers of one kind, by their options.
type fleet struct {
	*testing.T
	bed     *bed
	kind    serverKind
	running map[testbed.Options]*testbed.XMPP
}

func (f *fleet) server(o testbed.Options) *testbed.XMPP {
	f.Helper()
	if f.running[o] == nil {
		f.running[o] = f.bed.start(f.T, f.kind, o)
	}
	return f.running[o]
}

// usual is how many notifications a trial has.
const usual = 2500

// drive runs all trials of one fault.
func (f *fleet) drive(t *testing.T, what fault) *row {
	t.Helper()
	x := f.server(what.options)
	n := what.n
	if n == 0 {
		n = usual
	}
	r := &row{server: f.kind.name, fault: what}
	for i := range f.bed.runs {
		t.Run(fmt.Sprint(i+1), func(t *testing.T) {
			tr := f.bed.begin(t, x, what, n)
			if !tr.underLoad() {
				t.Fatal("all had been shown before the fault")
			}
			begun := time.Now()
			o := tr.end(begun, what.drive(tr))
			t.Logf("%+v", o)
			o.check(t, what)
			r.add(o)
		})
	}
	return r
}
