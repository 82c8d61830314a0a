package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// counts says how many there are of each severity, the worst first, and how many have
// ended.
func counts(list []envelope.Summary) string {
	resolved, other := 0, 0
	byWord := map[string]int{}
	for i := range list {
		switch s := &list[i]; {
		case s.State == envelope.Resolved:
			resolved++
		case s.Severity == envelope.Unspecified:
			other++
		default:
			byWord[s.Severity.String()]++
		}
	}
	var parts []string
	add := func(count int, word string) {
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, word))
		}
	}
	for severity := envelope.Fatal; severity > envelope.Unspecified; severity-- {
		word := severity.String()
		add(byWord[word], word)
		delete(byWord, word) // several numbers have one word
	}
	add(other, "without severity")
	add(resolved, "resolved")
	return strings.Join(parts, ", ")
}

// summaryGroup is what a digest says in one line.
type summaryGroup struct {
	name     string
	count    int
	hosts    []string
	severity envelope.Severity
	state    envelope.State
	times    timeSpan
}

// groupsOf puts together what differs in numbers and hosts alone, the worst first.
func groupsOf(list []envelope.Summary) []*summaryGroup {
	var groups []*summaryGroup
	byKey := map[string]*summaryGroup{}
	for i := range list {
		s := &list[i]
		kind := pattern(s)
		key := kind
		if s.State == envelope.Resolved {
			key += "\n" // of its own
		}
		g := byKey[key]
		if g == nil {
			g = &summaryGroup{name: s.Name, state: s.State}
			byKey[key] = g
			groups = append(groups, g)
		}
		if g.name != s.Name {
			g.name = kind
		}
		g.add(s)
	}
	slices.SortStableFunc(groups, (*summaryGroup).compare)
	return groups
}

func (g *summaryGroup) add(s *envelope.Summary) {
	g.count++
	g.severity = max(g.severity, s.Severity)
	g.times.include(s.Time)
	if s.Host != "" && !slices.Contains(g.hosts, s.Host) {
		g.hosts = append(g.hosts, s.Host)
	}
}

// compare orders by whether it goes on, by severity, and by number.
func (g *summaryGroup) compare(other *summaryGroup) int {
	ended := func(g *summaryGroup) int {
		if g.state == envelope.Resolved {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(ended(g), ended(other)), cmp.Compare(other.severity, g.severity), cmp.Compare(other.count, g.count))
}

// pattern is the name without what tells one from another like it.
func pattern(s *envelope.Summary) string {
	name := s.Name
	if len(s.Host) > 2 && s.Host != name {
		name = strings.ReplaceAll(name, s.Host, "…")
	}
	var b strings.Builder
	digits := false
	for _, r := range name {
		if digit := r >= '0' && r <= '9'; !digit {
			b.WriteRune(r)
		} else if !digits {
			b.WriteString("…")
		}
		digits = r >= '0' && r <= '9'
	}
	return b.String()
}

func (g *summaryGroup) line(layout string) string {
	line := colour(&envelope.Envelope{Severity: g.severity, State: g.state})
	if g.count > 1 {
		line += fmt.Sprintf(" %d ×", g.count)
	}
	line += " " + cmp.Or(oneLine(g.name), noText)
	if len(g.hosts) > 0 {
		named := g.hosts[:min(len(g.hosts), maxHosts)]
		line += " — " + oneLine(strings.Join(named, ", "))
		if more := len(g.hosts) - len(named); more > 0 {
			line += fmt.Sprintf(" and %d more", more)
		}
	}
	return line + " · " + g.times.text(layout)
}
