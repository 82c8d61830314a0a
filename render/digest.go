package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// The limits of what a digest says.
const (
	maxHosts = 3 // named of a group
	maxLogs  = 4 // partitions named
)

// Digest returns the text for many notifications that are shown together: their sum,
// groups of them, the worst first, and where all of them are.
//
//	🔴 DIGEST 37 notifications in 30 s: 2 critical, 27 warning, 8 resolved
//	🔴 2 × DiskFull — db-1, db-2 · 13:05:10–13:05:28
//	🟡 27 × HighCPU — web-1, web-2, web-3 and 9 more · 13:05:02–13:05:29
//	8 more of 5 kinds
//	→ full texts: NOTIFY 1001–1052 · 2026-03-29 UTC
func (r *Renderer) Digest(list []envelope.Summary) string {
	c, times := r.config, spanOf(list)
	groups := groupsOf(list)
	worst := envelope.Envelope{Severity: groups[0].severity, State: groups[0].state}
	head := fmt.Sprintf("%s DIGEST %d notifications%s: %s", colour(&worst), len(list), times.during(), counts(list))
	lines := c.digestLines(c.headline(head), groups, times.layout())
	lines = append(lines, c.where(list, times)...)
	if slices.ContainsFunc(list, func(s envelope.Summary) bool {
		return r.mentions(&envelope.Envelope{State: s.State, Severity: s.Severity})
	}) {
		lines = append(lines, "→ "+strings.Join(c.Mention, ", "))
	}
	return strings.Join(lines, "\n")
}

// Expired returns the text for notifications that came too late to be shown.
func (r *Renderer) Expired(list []envelope.Summary) string {
	c, times := r.config, spanOf(list)
	newest := slices.MaxFunc(list, func(a, b envelope.Summary) int { return a.Time.Compare(b.Time) })
	about := cmp.Or(oneLine(newest.Name+" "+newest.Host), noText)
	they, last := "they", "newest: "
	if len(list) == 1 {
		they, last = "it", ""
	}
	head := fmt.Sprintf("⏱ %d expired before %s could be shown: %s; %s%s, %s",
		len(list), they, counts(list), last, about, newest.Time.UTC().Format(times.layout()))
	return strings.Join(append([]string{c.safe(head)}, c.where(list, times)...), "\n")
}

// colour is the first character of a mark.
func colour(e *envelope.Envelope) string {
	for _, r := range mark(e) {
		return string(r)
	}
	return "•"
}

// digestLines are the head and as many groups as the limits allow.
func (c Config) digestLines(head string, groups []*summaryGroup, layout string) []string {
	lines, size := []string{head}, len(head)
	for i, g := range groups {
		line := c.safe(g.line(layout))
		last := i == len(groups)-1
		if size += len(line) + 1; size > c.MaxBytes || len(lines)+1 > c.MaxLines || len(lines)+1 == c.MaxLines && !last {
			return append(lines, rest(groups[i:]))
		}
		lines = append(lines, line)
	}
	return lines
}

// rest says what is not listed.
func rest(groups []*summaryGroup) string {
	count := 0
	for _, g := range groups {
		count += g.count
	}
	if len(groups) == 1 {
		return fmt.Sprintf("%d more of one kind", count)
	}
	return fmt.Sprintf("%d more of %d kinds", count, len(groups))
}

// where says where all of them are.
func (c Config) where(list []envelope.Summary, times timeSpan) []string {
	type offsets struct{ first, last uint64 }
	logs := map[string]offsets{}
	for i := range list {
		if s := &list[i]; s.Log != "" {
			o, found := logs[s.Log]
			if !found {
				o = offsets{s.Offset, s.Offset}
			}
			logs[s.Log] = offsets{min(o.first, s.Offset), max(o.last, s.Offset)}
		}
	}
	var parts []string
	for log, o := range logs {
		part := fmt.Sprintf("%s %d", log, o.first)
		if o.last > o.first {
			part += fmt.Sprintf("–%d", o.last)
		}
		parts = append(parts, part)
	}
	if len(parts) == 0 {
		return nil
	}
	slices.Sort(parts)
	text := strings.Join(parts[:min(len(parts), maxLogs)], ", ")
	if more := len(parts) - maxLogs; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return []string{c.safe("→ full texts: " + oneLine(text) + " · " + times.day())}
}
