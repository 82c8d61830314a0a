package envelope

import (
	"cmp"
	"slices"
	"strings"
)

// maxDetails is how many lines of name and value are shown.
const maxDetails = 8

// links takes the addresses that are worth to read on at.
func (r *reading) links() {
	for _, c := range r.candidates[aLink] {
		name := cmp.Or(c.leaf.label, linkName(c.leaf.path))
		isThere := func(l Link) bool { return l.Name == name || l.URL == c.leaf.text() }
		isNear := c.tier <= central || c.leaf.hidden || c.tier <= 3 && !c.leaf.secondary && len(r.out.Links) == 0
		if url := c.leaf.text(); isAddress(url) && isNear && !isAPI(url) {
			if !slices.ContainsFunc(r.out.Links, isThere) { // one of each kind is enough
				r.out.link(name, url)
			}
			c.leaf.used = true
		}
	}
	for i := range r.leaves {
		if l := &r.leaves[i]; isAddress(l.text()) { // others say little as text
			l.used = true
		}
	}
}

func isAddress(url string) bool {
	return (strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://")) && !strings.ContainsAny(url, " \n{")
}

// isAPI reports addresses that answer programs and not people.
func isAPI(url string) bool {
	return strings.Contains(url, "://api.") || strings.Contains(url, "/_api") || strings.Contains(url, "/api/v")
}

// linkName is what is shown before a link: what it leads to, if that is said.
func linkName(path string) string {
	name := last(path)
	for _, known := range [...]string{"runbook", "dashboard", "panel", "silence", "image"} {
		if strings.HasPrefix(name, known) {
			return known
		}
	}
	return ""
}

// details takes what remains: scalars of the message itself first. What tells
// of something else is shown only if there is little besides.
func (r *reading) details() {
	var rest []*leaf
	for i := range r.leaves {
		if l := &r.leaves[i]; !l.used && r.isWorthShowing(l) {
			rest = append(rest, l)
		}
	}
	slices.SortStableFunc(rest, func(a, b *leaf) int { return cmp.Compare(remoteness(a), remoteness(b)) })
	if r.knowledge == isTitled {
		r.out.Details = []Detail{} // what is in the data has been shown
	}
	for _, l := range rest {
		d := Detail{l.name, readableTime(l)}
		count := len(r.out.Details)
		if count == maxDetails || (l.secondary || isMinor(l)) && count >= fewDetails {
			break
		}
		isThere := func(shown Detail) bool {
			return shown.Value == d.Value && (len(d.Value) > fewDetails || lastOf(shown.Name) == lastOf(d.Name))
		}
		if !slices.ContainsFunc(r.out.Details, isThere) {
			r.out.Details = append(r.out.Details, d)
		}
	}
}

// timeEnds are ends of names of times.
const timeEnds = `at time timestamp date started finished`

// readableTime is the text of a leaf; of a time that is a number, one that people
// read.
func readableTime(l *leaf) string {
	text := l.text()
	if t, ok := anyTime(text); ok && isNumber(text) && endsInOneOf(last(l.path), timeEnds) {
		return t.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	return text
}

// fewDetails are so few lines that those about something else may join them.
const fewDetails = 3

// remoteness says how late a leaf is shown.
func remoteness(l *leaf) int {
	n := min(l.distance, 3)
	for _, u := range uses[last(l.path)] {
		if u.meaning == aFault || u.meaning == anOutcome && l.distance <= 1 {
			n = -1
		}
	}
	if isMinor(l) {
		n += 5
	}
	if l.secondary {
		n += 10
	}
	if l.outer {
		n += 20
	}
	if isOpaque(l.text()) {
		n += 40
	}
	return n
}

// isMinor reports what only machines count by, and what is not the case.
func isMinor(l *leaf) bool {
	name := lastOf(l.name)
	for _, end := range [...]string{"_id", "-id", "Id", "ID", "_ids", "Ids", "IDs", "_uid", "_uuid", "_type", "Type", "email", "Email", "username"} {
		if strings.HasSuffix(name, end) && len(name) > len(end) {
			return !numbered[normal(strings.TrimSuffix(name, end))]
		}
	}
	text := l.text()
	return text == "false" || text == "true" || text == "0" || name == "type" || name == "id" && !isRow(l.path)
}

// isRow reports a member of a row of a table: its id says which row it is.
func isRow(path string) bool {
	holder, _ := holderOf(path)
	return last(holder) == "data" || last(holder) == "after"
}

// isOpaque reports names that only machines read.
func isOpaque(text string) bool {
	if len(text) < 16 || strings.ContainsAny(text, " /:") {
		return false
	}
	return strings.Trim(strings.ToLower(text), "0123456789abcdef-{}") == ""
}

func (r *reading) isWorthShowing(l *leaf) bool {
	text, name := l.text(), last(l.path)
	if text == "" || l.hidden || isInternal(lastOf(l.name)) || noise[name] || noise[lastTwo(l.path)] || generic[normal(text)] || strings.HasPrefix(name, "@") {
		return false
	}
	if isTime(l) && len(text) > 8 && !r.out.Time.IsZero() || strings.HasSuffix(name, "url") {
		return false
	}
	return !saysNothingNew(&r.out, text)
}

// isInternal reports the fields that journald and Elasticsearch add.
func isInternal(name string) bool {
	return len(name) > 1 && name[0] == '_' && (name == strings.ToUpper(name) || name == "_id" || name == "_index" || name == "_type" || name == "_score")
}

func lastTwo(path string) string {
	holder, nested := holderOf(path)
	if !nested {
		return path
	}
	return path[len(holder)-len(last(holder)):]
}

// saysNothingNew reports whether a text is part of what is shown already.
func saysNothingNew(e *Envelope, text string) bool {
	if strings.EqualFold(text, e.HostName) || strings.EqualFold(text, e.Source) || strings.EqualFold(text, string(e.State)) {
		return true
	}
	const least = 3
	return len(text) >= least && (hasWord(e.Subject, text) || hasWord(e.Message, text))
}

// hasWord reports whether text has word in it as a whole.
func hasWord(text, word string) bool {
	text, word = strings.ToLower(text), strings.ToLower(word)
	for from := 0; ; {
		at := strings.Index(text[from:], word)
		if at < 0 {
			return false
		}
		start, end := from+at, from+at+len(word)
		if (start == 0 || !isWordByte(text[start-1])) && (end == len(text) || !isWordByte(text[end])) {
			return true
		}
		from = start + 1
	}
}

func isWordByte(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}
