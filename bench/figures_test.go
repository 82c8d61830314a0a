//go:build real && linux

package bench_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// round is what each contestant did in one round.
type round map[string]figure

// stat is a median over the rounds, and where that of all possible rounds is
// with a probability of 95 %.
type stat struct{ median, low, high float64 }

func statOf(all []float64) stat {
	slices.Sort(all)
	n := len(all)
	k := outside(n)
	return stat{(all[(n-1)/2] + all[n/2]) / 2, all[k], all[n-1-k]}
}

// outside returns how many of n sorted values on either side are outside the
// interval of the median. How many of them are below it follows the binomial
// distribution, whatever that of the values. It takes nine to exclude any.
func outside(n int) int {
	chance := math.Pow(0.5, float64(n)) // that none is below
	sum := chance
	for k := range n / 2 {
		if sum > 0.025 {
			return max(0, k-1)
		}
		chance *= float64(n-k) / float64(k+1)
		sum += chance
	}
	return 0
}

func TestIntervalOfTheMedian(t *testing.T) {
	for n, want := range map[int]int{1: 0, 5: 0, 6: 0, 9: 1, 15: 3, 20: 5, 36: 11} { // as in tables of the sign test
		if got := outside(n); got != want {
			t.Errorf("of %d values %d are outside on either side, want %d", n, got, want)
		}
	}
}

// of returns what get says of the contestant's runs.
func of(rounds []round, name string, get func(figure) float64) stat {
	var all []float64
	for _, r := range rounds {
		all = append(all, get(r[name]))
	}
	return statOf(all)
}

func rate(f figure) float64      { return f.Rate }
func used(f figure) float64      { return f.CPU }
func busy(f figure) float64      { return f.Rate * f.ServerCPU / 1e6 }
func serverCPU(f figure) float64 { return f.ServerCPU }
func rss(f figure) float64       { return f.RSS }
func corePace(f figure) float64  { return f.Pace }
func mallocs(f figure) float64   { return f.Mallocs }

// ratio compares what get says of a contestant and of another, round by round.
func ratio(rounds []round, name, other string, get func(figure) float64) stat {
	var all []float64
	for _, r := range rounds {
		all = append(all, get(r[name])/get(r[other]))
	}
	return statOf(all)
}

// fastest returns which of the contestants has the higher median.
func fastest(rounds []round, names ...string) string {
	return slices.MaxFunc(names, func(a, b string) int {
		return int(of(rounds, a, rate).median - of(rounds, b, rate).median)
	})
}

func (s stat) String() string { return fmt.Sprintf("%.2f (%.2f–%.2f)", s.median, s.low, s.high) }

// whole prints a stat without decimals.
func (s stat) whole() string { return fmt.Sprintf("%.0f (%.0f–%.0f)", s.median, s.low, s.high) }

// quantile returns a quantile of sorted durations, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	return 1000 * sorted[int(q*float64(len(sorted)-1))].Seconds()
}

// promises is the list of what must hold, and whether it did.
type promises struct{ text string }

func (p *promises) atLeast(limit float64, what string, got float64) {
	p.add(got >= limit, fmt.Sprintf("%s: %.2f, promised at least %.2f", what, got, limit))
}

func (p *promises) atMost(limit float64, unit, what string, got float64) {
	p.add(got <= limit, fmt.Sprintf("%s: %.1f %s, promised at most %g %s", what, got, unit, limit, unit))
}

// bareThen is what the bare sender took, in µs, on the machine for which CPU time
// was promised. On another machine the promise is as many times its own.
const bareThen = 3.6

func (p *promises) frugal(limit float64, what string, got, bare float64) {
	p.add(got/bare <= limit/bareThen, fmt.Sprintf("%s: %.1f µs CPU, %.1f times the bare sender's; promised at most %g µs where that takes %g, %.1f times",
		what, got, got/bare, limit, bareThen, limit/bareThen))
}

func (p *promises) add(kept bool, text string) {
	sign := "✓"
	if !kept {
		sign = "✗ **missed:**"
	}
	p.text += "- " + sign + " " + text + "\n"
}

// table writes a table in Markdown.
type table struct{ text string }

func newTable(columns ...string) *table {
	t := &table{}
	t.row(columns...)
	t.text += strings.Repeat("|---", len(columns)) + "|\n"
	return t
}

func (t *table) row(cells ...string) { t.text += "| " + strings.Join(cells, " | ") + " |\n" }
