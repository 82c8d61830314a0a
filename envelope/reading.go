package envelope

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// reading makes a notification of what the leaves of a message mean.
type reading struct {
	tree
	words     severities
	knowledge knowledge
	// candidates are those for each meaning, the best first.
	candidates [aTrace + 1][]candidate
	out        Envelope
}

type candidate struct {
	leaf       *leaf
	rank, tier int
}

// read understands a message by the names of its members. What it has in the
// names and types of the native format needs no guess: in a message of that
// format all of it, else what means the same everywhere.
func read(p part, words severities, k knowledge) Envelope {
	r := reading{words: words, knowledge: k}
	prefix := commonPrefix(p.members[:p.own])
	for i, m := range p.members {
		if i < p.own && (k == isNotification && isNative(m.name) || nativeOnly[m.name]) && r.out.set(m.name, m.value, words) {
			continue
		}
		r.add(branch{outer: i >= p.own}.into(strings.TrimPrefix(m.name, prefix)), m.value)
		if i < p.own && m.value != "null" {
			r.out.keep(m.name, m.value)
		}
	}
	if r.out.Message == "" && len(r.out.Data) > 0 {
		r.add(branch{}.into("data"), string(r.out.Data))
	}
	r.rate()
	r.where()
	r.severity()
	r.state()
	r.content()
	r.links()
	r.labels()
	r.details()
	return r.out
}

// commonPrefix is what is before the names of nearly all members, like the
// NOTIFY_ of Checkmk and the SMARTD_ of smartd, "" if there is no such thing.
func commonPrefix(list []member) string {
	const least = 4
	if len(list) < least {
		return ""
	}
	prefix, _, found := strings.Cut(list[0].name, "_")
	count := 0
	for _, m := range list {
		if rest, cut := strings.CutPrefix(m.name, prefix+"_"); cut && rest != "" {
			count++
		}
	}
	if !found || prefix == "" || count < len(list)-1 {
		return ""
	}
	return prefix + "_"
}

// knowledge is what is known of a message before it is read.
type knowledge int

const (
	nothing        knowledge = iota
	isNotification           // it is of the native format
	isTitled                 // it has a title that is not in it
)

// nativeOnly are members of the native format that mean nothing else elsewhere.
var nativeOnly = map[string]bool{ //nolint:gochecknoglobals // a constant table
	"serverName": true, "domainName": true, "instanceName": true, "eventType": true, "expires": true,
	"links": true, "traceparent": true, "tracestate": true, "hostName": true,
}

// labels are the members of objects of that name, for filters.
func (r *reading) labels() {
	for i := range r.leaves {
		l := &r.leaves[i]
		holder, _ := holderOf(l.path)
		if holder = last(holder); (holder == "labels" || holder == "tags") && isShort(l) {
			r.out.label(lastOf(l.name), l.text())
		}
	}
}

// rate finds for every meaning the leaves that may have it.
func (r *reading) rate() {
	for i := range r.leaves {
		l := &r.leaves[i]
		if IsSecret(last(l.path)) {
			l.used = true
			continue
		}
		r.rateLeaf(l)
	}
	for _, list := range r.candidates {
		slices.SortStableFunc(list, func(a, b candidate) int {
			return cmp.Or(cmp.Compare(a.tier, b.tier), cmp.Compare(a.rank, b.rank), cmp.Compare(a.leaf.depth, b.leaf.depth))
		})
	}
}

// rateLeaf looks up the last name of a path, the last two, and the last three.
func (r *reading) rateLeaf(l *leaf) {
	name, at := "", len(l.path)
	for count := 1; count <= 3 && at > 0; count++ {
		at = strings.LastIndexByte(l.path[:at], '.')
		name = l.path[at+1:]
		for _, u := range uses[name] {
			if l.hidden && u.meaning == aKind {
				continue // the kind of a block
			}
			tier := 2 * distanceAbove(l.path, count)
			if l.outer {
				tier++
			}
			if l.secondary && count == 1 || u.meaning == aKind && !isCore(l.path) {
				tier += 2
			}
			r.candidates[u.meaning] = append(r.candidates[u.meaning], candidate{l, u.rank, tier})
		}
	}
}

// isCore reports a path whose last name belongs to the message itself.
func isCore(path string) bool {
	holder, nested := holderOf(path)
	return !nested || core[last(holder)]
}

// holderOf is the path of the member that the one at path is in.
func holderOf(path string) (holder string, found bool) {
	at := strings.LastIndexByte(path, '.')
	return path[:max(at, 0)], at >= 0
}

// pick takes the best unused leaf with a meaning that accept takes. Only leaves
// that are about the whole message count, or that the message shares with others.
func (r *reading) pick(m meaning, tier int, accept func(*leaf) bool) *leaf {
	for _, c := range r.candidates[m] {
		if !c.leaf.used && c.tier <= tier && accept(c.leaf) {
			c.leaf.used = true
			return c.leaf
		}
	}
	return nil
}

// The tiers: what is about the whole message, or what it shares with others;
// and what may be about anything.
const (
	central  = 1
	anywhere = 9
)

// where finds time, host and origin.
func (r *reading) where() {
	e := &r.out
	for _, tier := range [...]int{0, central} {
		if l := r.pick(aTime, tier, isTime); e.Time.IsZero() && l != nil {
			e.Time, _ = anyTime(l.text())
		}
	}
	if e.Time.IsZero() {
		e.Time = r.dateAndTime()
	}
	r.fill(&e.Fingerprint, aFingerprint, 0, isShort)
	if id := r.pick(anID, 0, isShort); id != nil && e.ID == "" {
		e.ID, id.used = id.text(), last(id.path) != "id" // it may be what the message is about
	}
	r.fill(&e.HostName, aHost, central, isNamed)
	r.fill(&e.Source, anOrigin, central, func(l *leaf) bool {
		return isNamed(l) && (last(l.path) != "username" || len(r.paragraphs) > 0) // that of a bot
	})
	if l := r.pick(aTrace, 0, func(l *leaf) bool { return isTraceparent(l.text()) }); l != nil {
		e.Trace.Parent = l.text()
	}
}

// dateAndTime finds a date and a time of day in two members, like event_date and
// event_time.
func (r *reading) dateAndTime() time.Time {
	for i := range r.leaves {
		date := &r.leaves[i]
		prefix, isDate := strings.CutSuffix(date.path, "date")
		if !isDate || date.secondary {
			continue
		}
		for j := range r.leaves {
			clock := &r.leaves[j]
			if clock.path != prefix+"time" {
				continue
			}
			if t, ok := anyTime(date.text() + " " + clock.text()); ok {
				date.used, clock.used = true, true
				return t
			}
		}
	}
	return time.Time{}
}

// fill takes the text of a leaf into a field that has none.
func (r *reading) fill(field *string, m meaning, tier int, accept func(*leaf) bool) {
	if *field == "" {
		*field = r.textOf(r.pick(m, tier, accept))
	}
}

func isTime(l *leaf) bool {
	_, ok := anyTime(l.text())
	return ok
}

// maxShort is how long a name may be, in bytes.
const maxShort = 200

func isShort(l *leaf) bool {
	text := l.text()
	return text != "" && len(text) <= maxShort && (l.value[0] != '[' || !strings.Contains(text, ", ")) && l.value[0] != 't' && l.value[0] != 'f' && !strings.Contains(text, "\n")
}

// isNamed reports names, which are more than numbers.
func isNamed(l *leaf) bool {
	return isShort(l) && !isAddress(l.text()) && (!isNumber(l.text()) || strings.Count(l.text(), ".") == 3)
}

func isText(l *leaf) bool { return l.value[0] == '"' || l.value[0] == '[' }
