package envelope

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strings"
	"time"
)

// group makes one notification of all alerts of a webhook message: what they
// have in common as the title, and a line for each. It is resolved when all of
// them are, and as severe as the worst that is not.
func (w *webhook) group() Envelope {
	t := tally{sum: sha256.New(), state: Resolved}
	_, _ = fmt.Fprintf(t.sum, "%q", w.groupKey) // a hash takes everything
	list := make([]Envelope, len(w.alerts))
	for i := range w.alerts {
		list[i] = w.envelope(&w.alerts[i])
		t.add(&list[i])
	}
	if len(list) == 1 && w.truncated == 0 { // it needs no list
		list[0].ID, list[0].Fingerprint = t.identity(), w.groupKey
		w.describe(&list[0])
		return list[0]
	}
	e := Envelope{
		ID: t.identity(), Source: w.source,
		Time: t.latest, State: t.state, Severity: t.worst, Fingerprint: w.groupKey,
		Subject: strings.TrimRight(w.title(), ".") + ": " + t.String(), Message: strings.Join(w.lines(list), "\n"),
		HostName: w.commonLabels["instance"], EventType: w.commonLabels["alertname"],
		Links: w.commonLinks(), Labels: w.commonLabels,
	}
	if t.state == Resolved {
		e.Severity = worst(list)
	}
	w.describe(&e)
	return e
}

// tally counts the alerts of a group.
type tally struct {
	firing, resolved int
	state            State
	worst            Severity // of those that fire
	latest           time.Time
	sum              hash.Hash // of their identities
	anonymous        bool      // one of them has none
}

func (t *tally) identity() string {
	if t.anonymous {
		return ""
	}
	return hex.EncodeToString(t.sum.Sum(nil)[:16])
}

func (t *tally) add(e *Envelope) {
	_, _ = fmt.Fprintf(t.sum, "%q%q", e.ID, e.Labels)
	t.anonymous = t.anonymous || e.ID == ""
	if e.State == Resolved {
		t.resolved++
	} else {
		t.firing++
		t.state = Firing
		t.worst = max(t.worst, e.Severity)
	}
	if e.Time.After(t.latest) {
		t.latest = e.Time
	}
}

func (t *tally) String() string {
	switch {
	case t.resolved == 0:
		return fmt.Sprintf("%d firing", t.firing)
	case t.firing == 0:
		return fmt.Sprintf("%d resolved", t.resolved)
	}
	return fmt.Sprintf("%d firing, %d resolved", t.firing, t.resolved)
}

// lines tell of each alert what the title does not, and what tells it from
// the others.
func (w *webhook) lines(list []Envelope) []string {
	count := make(map[string]int, len(list))
	for i := range list {
		count[list[i].Subject]++
	}
	name := w.commonLabels["alertname"] + ": " // is in the title
	lines := make([]string, 0, len(list)+1)
	for i := range list {
		e, mark := &list[i], "• "
		if e.State == Resolved {
			mark = "✓ "
		}
		first, _, _ := strings.Cut(e.Message, "\n")
		own := cmp.Or(w.own(e), first)
		switch {
		case e.Subject == w.title():
			lines = append(lines, mark+cmp.Or(own, e.Subject))
		case count[e.Subject] > 1 && own != "":
			lines = append(lines, mark+oneLine(strings.TrimPrefix(e.Subject, name))+" ("+own+")")
		default:
			lines = append(lines, mark+oneLine(strings.TrimPrefix(e.Subject, name)))
		}
	}
	if w.truncated > 0 {
		lines = append(lines, fmt.Sprintf("… and %d more that Alertmanager did not send", w.truncated))
	}
	return lines
}

// own lists the labels of an alert that are not those of the whole group, and
// do not say again what the subject says.
func (w *webhook) own(e *Envelope) string {
	var own []string
	for _, name := range slices.Sorted(maps.Keys(e.Labels)) {
		if value := e.Labels[name]; w.commonLabels[name] != value && name != "alertname" && name != "severity" {
			own = append(own, name+"="+value)
		}
	}
	return strings.Join(own, " ")
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// title names the group.
func (w *webhook) title() string {
	name, summary := cmp.Or(w.commonLabels["alertname"], w.groupLabels["alertname"]), cmp.Or(w.commonNotes["summary"], w.commonNotes["title"])
	if name != "" || summary != "" {
		return headline(name, summary)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(w.groupLabels)) {
		parts = append(parts, name+"="+w.groupLabels[name])
	}
	return cmp.Or(strings.Join(parts, " "), "Alerts")
}

func worst(list []Envelope) (worst Severity) {
	for i := range list {
		worst = max(worst, list[i].Severity)
	}
	return worst
}

// commonLinks are the links that all alerts share, and Alertmanager itself.
func (w *webhook) commonLinks() []Link {
	var e Envelope
	e.link("runbook", cmp.Or(w.commonNotes["runbook_url"], w.commonNotes["runbook"]))
	e.link("dashboard", w.commonNotes["dashboard_url"])
	e.link("alertmanager", w.externalURL)
	return e.Links
}

// truncation tells of the alerts that Alertmanager left out of its message.
func (w *webhook) truncation() Envelope {
	list := make([]Envelope, len(w.alerts))
	for i := range w.alerts {
		list[i] = w.envelope(&w.alerts[i])
	}
	last := &list[len(list)-1]
	e := Envelope{
		Source:  w.source,
		Time:    last.Time,
		State:   last.State,
		Subject: fmt.Sprintf("%s: %d more alerts that Alertmanager did not send", w.title(), w.truncated),
		Labels:  w.commonLabels, Severity: worst(list), Links: w.commonLinks(),
	}
	if last.ID != "" {
		e.ID = fmt.Sprintf("%s/truncated/%d/%s", w.groupKey, w.truncated, last.ID)
	}
	w.describe(&e)
	return e
}

// describe adds what the message says of the whole group. All its
// notifications share the text of it.
func (w *webhook) describe(e *Envelope) {
	if w.about == nil {
		w.about = json.RawMessage("{" + strings.Join(w.rest, ",") + "}")
	}
	if e.Extra == nil {
		e.Extra = make(map[string]json.RawMessage)
	}
	e.Extra["group"] = w.about
}
