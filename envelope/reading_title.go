package envelope

import (
	"cmp"
	"regexp"
	"strings"
)

// content finds title and message.
func (r *reading) content() {
	e := &r.out
	r.fill(&e.Subject, aTitle, central, isText)
	r.fill(&e.Message, aMessage, central, isText)
	if further := r.textOf(r.pick(aText, central, isText)); e.Message == "" {
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

// textOf is what a leaf says, without markup.
func (r *reading) textOf(l *leaf) string {
	if l == nil {
		return ""
	}
	text := strings.ReplaceAll(l.text(), "%%%", "") // Datadog's mark of Markdown
	return r.out.withoutMarkup(strings.TrimSpace(markdownImage.ReplaceAllString(text, "")))
}

// markdownImage is a picture in Markdown, and what it leads to.
var markdownImage = regexp.MustCompile(`\[?!\[[^\]\n]*\]\([^)\s]*\)(\]\([^)\s]*\))?`)

// maxHeadline is how long a text may be that is a title.
const maxHeadline = 200

func isHeadline(text string) bool { return len(text) <= maxHeadline && !strings.Contains(text, "\n") }

// kind finds the kind of event.
func (r *reading) kind(outcome *leaf) *leaf {
	kind := r.pick(aKind, central, func(l *leaf) bool {
		return isShort(l) && l.value[0] == '"' && !isNumber(l.text()) && !generic[normal(l.text())] && l != outcome
	})
	if kind == nil {
		return nil
	}
	r.out.EventType = kind.text()
	r.rateKind()
	if states[wordOf(kind)] != "" || outcome != nil && last(kind.path) == "action" { // it names nothing
		kind.used = false
		return nil
	}
	return kind
}

// rateKind takes the severity of a kind of event that ends in an outcome that is
// bad, like deployment.error and BACKUP_FAILED.
func (r *reading) rateKind() {
	kind := r.out.EventType
	s := r.weigh(canonical(kind[strings.LastIndexAny(kind, "._:-")+1:]))
	if r.out.Severity == Unspecified && r.out.SeverityWord == "" && r.out.State == "" && s >= Warning {
		r.out.Severity = s
	}
}

// named makes a title of the name of what the message is about, or else of the
// kind of event, and of how it went.
func (r *reading) named(outcome *leaf) string {
	kind := r.kind(outcome)
	name := ""
	if r.out.Message == "" || outcome != nil || r.hasName(kind) {
		name = r.textOf(r.pick(aName, central, func(l *leaf) bool {
			return isShort(l) && l.value[0] == '"' && (kind == nil || l.text() != r.out.EventType)
		}))
	}
	how := ""
	switch {
	case outcome != nil:
		outcome.used = true
		how = outcome.meaning()
	case kind != nil && name != "":
		how = r.out.EventType
	}
	if name == "" && kind != nil {
		name = r.out.EventType
	} else if kind != nil && how != r.out.EventType {
		kind.used = false // it is shown below
	}
	if name == "" && r.out.Message == "" { // how it went says too little
		name, how = cmp.Or(r.textOf(r.pick(aTitle, anywhere, isText)), how), ""
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
// nothing else. A branch is one where something was done to it.
func (r *reading) hasName(kind *leaf) bool {
	for _, c := range r.candidates[aName] {
		if c.tier == 0 && (last(c.leaf.path) != "ref" || kind != nil) && last(c.leaf.path) != "name" && !c.leaf.used {
			return true
		}
	}
	return false
}
