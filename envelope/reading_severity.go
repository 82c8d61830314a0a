package envelope

import (
	"cmp"
	"strings"
	"unicode"
)

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
		if !known && unknown == "" && !ambiguous[last(c.leaf.path)] && !generic[normal(c.leaf.text())] && isShort(c.leaf) && strings.ContainsFunc(c.leaf.text(), unicode.IsLetter) && c.leaf.value[0] == '"' {
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
	if strings.HasSuffix(l.path, "color") {
		text = colourWord(text)
	}
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
	if ambiguous[last(l.path)] { // it holds other words, too
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
func wordOf(l *leaf) string { return canonical(l.meaning()) }

// meaning is what a value stands for, where it is a code, else its text.
func (l *leaf) meaning() string {
	for count, at := 1, len(l.path); count <= 2 && at > 0; count++ {
		at = strings.LastIndexByte(l.path[:at], '.')
		if words, found := codes[l.path[at+1:]]; found {
			return cmp.Or(words[l.text()], l.text())
		}
	}
	return l.text()
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
		if alarming[name] {
			return true
		}
	}
	return false
}

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
