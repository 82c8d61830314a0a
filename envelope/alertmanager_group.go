package envelope

import (
	"cmp"
	"fmt"
	"strings"
)

// title names the group.
func (w *webhook) title() string {
	about := aboutGroup{CommonAnnotations: w.commonNotes, GroupLabels: w.groupLabels}
	return cmp.Or(about.title(w.commonLabels["alertname"]), "Alerts")
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

// truncation tells of the alerts that Alertmanager left out of its message, which
// holds those of list.
func (w *webhook) truncation(list []Envelope) Envelope {
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
	if w.about == "" {
		w.about = "{" + strings.Join(w.rest, ",") + "}"
	}
	e.keep("group", w.about)
}
