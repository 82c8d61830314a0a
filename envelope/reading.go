package envelope

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// maxDetails is how many lines of name and value are shown.
const maxDetails = 8

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
		if i < p.own && (k == isNotification && isNative(m.name) || nativeOnly[m.name]) && r.out.set(m.name, m.value, words) == nil {
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
	"labels": true, "links": true, "traceparent": true, "tracestate": true, "hostName": true,
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
	return !nested || sets.core[last(holder)]
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
	r.fill(&e.Fingerprint, aFingerprint, 0, isShort)
	if id := r.pick(anID, 0, isShort); id != nil && e.ID == "" {
		e.ID, id.used = id.text(), last(id.path) != "id" // it may be what the message is about
	}
	r.fill(&e.HostName, aHost, central, isNamed)
	r.fill(&e.Source, anOrigin, central, isNamed)
	if l := r.pick(aTrace, 0, func(l *leaf) bool { return isTraceparent(l.text()) }); l != nil {
		e.Trace.Parent = l.text()
	}
}

// fill takes the text of a leaf into a field that has none.
func (r *reading) fill(field *string, m meaning, tier int, accept func(*leaf) bool) {
	if *field == "" {
		*field = textOf(r.pick(m, tier, accept))
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

// severity takes the first member whose number or word is known, else the first
// word that is there for it.
func (r *reading) severity() {
	if r.out.Severity != Unspecified || r.out.SeverityWord != "" {
		return
	}
	unknown := ""
	for _, c := range r.candidates[aSeverity] {
		if c.tier > central || c.leaf.used {
			continue
		}
		s, known, sure := r.severityOf(c.leaf)
		if known && s != Unspecified && (r.out.Severity == Unspecified || r.out.Severity == s) {
			r.out.Severity, c.leaf.used = s, sure
		}
		if !known && unknown == "" && !sets.ambiguous[last(c.leaf.path)] && isShort(c.leaf) && strings.ContainsFunc(c.leaf.text(), unicode.IsLetter) && c.leaf.value[0] == '"' {
			unknown = c.leaf.text()
			c.leaf.used = true
		}
	}
	if r.out.Severity == Unspecified {
		r.out.SeverityWord = unknown
	}
}

// severityOf returns what a leaf says of the severity, and whether there is no
// doubt: what may be on another scale is shown as it is, too.
func (r *reading) severityOf(l *leaf) (s Severity, known, sure bool) {
	text := l.text()
	for i := range scales {
		if scales[i].counts(l.path) && r.hasAny(scales[i].with) {
			if s, ok := scales[i].steps.of(text); ok {
				return s, true, scales[i].sure
			}
		}
	}
	if s, own := r.words[canonical(text)]; own {
		return s, true, true
	}
	if text == "" || isNumber(text) {
		return Unspecified, l.value[0] != '"', false // a number of nobody's scale
	}
	if sets.ambiguous[last(l.path)] { // it holds other words, too
		s, known = r.words.word(canonical(text))
	} else {
		s, known = r.words.parse(text)
	}
	return s, known, true
}

// hasAny reports whether one of the names is that of a leaf, or there are none.
func (r *reading) hasAny(names string) bool {
	if names == "" {
		return true
	}
	for name := range strings.FieldsSeq(names) {
		for i := range r.leaves {
			if endsWith(r.leaves[i].path, name) || strings.HasPrefix(r.leaves[i].path, name+".") {
				return true
			}
		}
	}
	return false
}

// state takes the first member whose word is that of a state.
func (r *reading) state() {
	if r.out.State != "" {
		return
	}
	for _, c := range r.candidates[aState] {
		if c.tier > central {
			continue
		}
		word := wordOf(c.leaf)
		state, found := states[word]
		if !found && (isAlarming(c.leaf.path) || c.leaf.depth == 1 && r.isAlarm()) {
			state, found = alarmStates[word]
		}
		if found && (r.out.State == "" || r.out.State == state) {
			r.out.State, c.leaf.used = state, true
		}
	}
}

// wordOf is a value as the tables of words have it.
func wordOf(l *leaf) string {
	text := l.text()
	if meaning, found := codeOf(l); found {
		text = meaning
	}
	return canonical(text)
}

// codeOf returns what a value stands for.
func codeOf(l *leaf) (string, bool) {
	for count, at := 1, len(l.path); count <= 2 && at > 0; count++ {
		at = strings.LastIndexByte(l.path[:at], '.')
		if words, found := codes[l.path[at+1:]]; found {
			word, known := words[l.text()]
			return word, known
		}
	}
	return "", false
}

// isAlarm reports a message that has members about an alert.
func (r *reading) isAlarm() bool {
	for i := range r.leaves {
		for _, word := range [...]string{"alert", "incident", "problem", "alarm"} {
			if strings.HasPrefix(r.leaves[i].path, word) {
				return true
			}
		}
	}
	return false
}

func isAlarming(path string) bool {
	for name := range strings.SplitSeq(path, ".") {
		if sets.alarming[name] {
			return true
		}
	}
	return false
}

// content finds title and message.
func (r *reading) content() {
	e := &r.out
	r.fill(&e.Subject, aTitle, central, isText)
	r.fill(&e.Message, aMessage, central, isText)
	if further := textOf(r.pick(aText, central, isText)); e.Message == "" {
		e.Message = further
	} else if e.Subject == "" && further != "" && isHeadline(e.Message) {
		e.Subject, e.Message = e.Message, further
	} else if further != "" && !strings.Contains(e.Message, further) {
		e.Message += "\n" + further
	}
	r.chat()
	if e.Severity == Unspecified && e.SeverityWord == "" && e.State == "" {
		e.Severity = r.words.leading(cmp.Or(e.Subject, e.Message))
	}
	outcome := r.outcome()
	if e.Subject == "" && r.knowledge != isTitled {
		e.Subject = r.named(outcome)
	} else if outcome != nil && saysNothingNew(e, outcome.text()) {
		outcome.used = true
	}
	r.fill(&e.Message, aFault, central, isText)
	if e.Subject == "" && e.Message == "" {
		r.fill(&e.Subject, aTitle, anywhere, isText)
		r.fill(&e.Message, aMessage, anywhere, isText)
	}
}

// chat takes the texts of a message for a chat, and its links.
func (r *reading) chat() {
	e := &r.out
	list := r.paragraphs
	if e.Subject == "" && e.Message == "" && len(list) > 1 && isHeadline(list[0]) {
		e.Subject, list = list[0], list[1:]
	}
	for _, text := range list {
		if !strings.Contains(e.Message, text) && text != e.Subject {
			e.Message = strings.TrimPrefix(e.Message+"\n"+text, "\n")
		}
	}
	e.Subject, e.Message = e.unlink(e.Subject), e.unlink(e.Message)
}

var slackEscapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&") //nolint:gochecknoglobals // a constant

// unescape undoes what Slack demands of its senders.
func unescape(text string) string {
	if !strings.Contains(text, "&") {
		return text
	}
	return slackEscapes.Replace(text)
}

// unlink writes Slack's <https://…|name> as the name, and keeps the address as
// a link.
func (e *Envelope) unlink(text string) string {
	for from := 0; ; {
		start := strings.Index(text[from:], "<http")
		if start < 0 {
			return unescape(text)
		}
		start += from
		end := strings.IndexByte(text[start:], '>')
		if end < 0 {
			return unescape(text)
		}
		url, name, found := strings.Cut(text[start+1:start+end], "|")
		if strings.ContainsAny(url, " \n") {
			from = start + 1
			continue
		}
		if found {
			e.link(name, unescape(url))
			text = text[:start] + name + text[start+end+1:]
			from = start + len(name)
		} else {
			text = text[:start] + url + text[start+end+1:]
			from = start + len(url)
		}
	}
}

func textOf(l *leaf) string {
	if l == nil {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(l.text(), "%%%", "")) // Datadog's mark of Markdown
}

// maxHeadline is how long a text may be that is a title.
const maxHeadline = 200

func isHeadline(text string) bool { return len(text) <= maxHeadline && !strings.Contains(text, "\n") }

// outcome finds how it went, the worst of what the message says of that, and
// what it means for the severity.
func (r *reading) outcome() (worst *leaf) {
	var severity Severity
	for _, c := range r.candidates[anOutcome] {
		word := wordOf(c.leaf)
		taken := c.leaf.used && r.out.SeverityWord == c.leaf.text()
		if c.tier > central || !isShort(c.leaf) || taken || isNumber(word) || len(word) > maxSeverityText {
			continue
		}
		if s := r.weigh(word); worst == nil || s > severity {
			worst, severity = c.leaf, s
		}
	}
	if r.out.Severity == Unspecified && r.out.SeverityWord == "" {
		r.out.Severity = severity
	}
	return worst
}

// weigh is how bad an outcome is. What is good is no news of its own where the
// state says so.
func (r *reading) weigh(word string) Severity {
	s, found := outcomes[word]
	if !found {
		s, _ = r.words.parse(word)
	}
	if s == Info && r.out.State != "" {
		return Unspecified
	}
	return s
}

func isNumber(text string) bool {
	return text != "" && strings.Trim(text, "0123456789.-") == ""
}

// kind finds the kind of event.
func (r *reading) kind(outcome *leaf) *leaf {
	kind := r.pick(aKind, central, func(l *leaf) bool {
		return isShort(l) && l.value[0] == '"' && !sets.generic[normal(l.text())] && l != outcome
	})
	if kind == nil {
		return nil
	}
	r.out.EventType = kind.text()
	if states[wordOf(kind)] != "" || outcome != nil && last(kind.path) == "action" { // it names nothing
		kind.used = false
		return nil
	}
	return kind
}

// named makes a title of the name of what the message is about, or else of the
// kind of event, and of how it went.
func (r *reading) named(outcome *leaf) string {
	kind := r.kind(outcome)
	name := ""
	if r.out.Message == "" || outcome != nil || r.hasName() {
		name = textOf(r.pick(aName, central, func(l *leaf) bool { return isShort(l) && l.value[0] == '"' }))
	}
	how := ""
	switch {
	case outcome != nil:
		outcome.used = true
		how = outcome.text()
		if word, found := codeOf(outcome); found {
			how = word
		}
	case kind != nil && name != "":
		how = r.out.EventType
	}
	if name == "" && kind != nil {
		name = r.out.EventType
	} else if kind != nil && how != r.out.EventType {
		kind.used = false // it is shown below
	}
	if name == "" && r.out.Message == "" { // how it went says too little
		name, how = cmp.Or(textOf(r.pick(aTitle, anywhere, isText)), how), ""
	}
	switch {
	case name == "" || how == "" && outcome != nil: // how it went is shown below
		if outcome != nil {
			outcome.used = r.out.State != "" && states[wordOf(outcome)] == r.out.State
		}
		return name
	case name != "" && how != "" && !hasWord(name, how):
		return name + ": " + how
	}
	return cmp.Or(name, how)
}

// hasName reports whether the message says what it is about in a member for
// nothing else.
func (r *reading) hasName() bool {
	for _, c := range r.candidates[aName] {
		if c.tier == 0 && last(c.leaf.path) != "name" && !c.leaf.used {
			return true
		}
	}
	return false
}

// links takes the addresses that are worth to read on at.
func (r *reading) links() {
	for _, c := range r.candidates[aLink] {
		name := linkName(c.leaf.path)
		isThere := func(l Link) bool { return l.Name == name || l.URL == c.leaf.text() }
		if url := c.leaf.text(); isAddress(url) && c.tier <= central {
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
	for _, end := range [...]string{"_id", "-id", "Id", "ID", "_ids", "Ids", "IDs", "_uid", "_uuid", "_type", "Type"} {
		if strings.HasSuffix(name, end) && len(name) > len(end) {
			return !sets.numbered[normal(strings.TrimSuffix(name, end))]
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
	return strings.Trim(strings.ToLower(text), "0123456789abcdef-") == ""
}

func (r *reading) isWorthShowing(l *leaf) bool {
	text, name := l.text(), last(l.path)
	if text == "" || l.hidden || isInternal(lastOf(l.name)) || sets.noise[name] || sets.noise[lastTwo(l.path)] || sets.generic[normal(text)] || strings.HasPrefix(name, "@") {
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
