//go:build real && linux

package bench_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// round is what each contestant did in one round.
type round map[string]figure

// stat is a median and its spread over the rounds.
type stat struct{ median, low, high float64 }

func statOf(all []float64) stat {
	slices.Sort(all)
	return stat{(all[(len(all)-1)/2] + all[len(all)/2]) / 2, all[0], all[len(all)-1]}
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
func mallocs(f figure) float64   { return f.Mallocs }

// ratio compares a contestant with another, round by round.
func ratio(rounds []round, name, other string) stat {
	var all []float64
	for _, r := range rounds {
		all = append(all, r[name].Rate/r[other].Rate)
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
