package envelope

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
)

// title names the group.
func (w *webhook) title() string {
	name, summary := cmp.Or(w.commonLabels["alertname"], w.groupLabels["alertname"]), cmp.Or(w.commonNotes["summary"], w.commonNotes["title"])
	if name != "" || summary != "" {
		return headline(name, summary)
	}
	return cmp.Or(pairs(w.groupLabels), "Alerts")
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
