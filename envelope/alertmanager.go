package envelope

import (
	"cmp"
	"fmt"
)

// alertmanager is the webhook message of Prometheus Alertmanager, version 4,
// which Grafana sends as well, and the lists of alerts that Alertmanager's API
// takes and gives.
var alertmanager = format{ //nolint:gochecknoglobals // a constant
	name: "alertmanager",
	shape: func(m *message) string {
		if m.kind == '[' && isAlertList(m.body) {
			return "it is an array of objects with labels and annotations or startsAt"
		}
		alerts := m.get("alerts")
		switch {
		case isArray(alerts) && (m.get("groupKey") != "" || m.get("receiver") != "" || isAlertList(alerts)):
			return "it has the members alerts and receiver or groupKey"
		case isAlertList(inData(m.get("data"))):
			return "its member data has an array of objects with labels and annotations or startsAt"
		}
		return ""
	},
	decode: func(m *message) ([]Envelope, error) {
		list, err := decodeAlertmanager(m)
		if err != nil {
			return nil, fmt.Errorf("alertmanager: %w", err)
		}
		return list, nil
	},
}

// inData returns the alerts in the member data of an answer: Prometheus has them
// one level deeper.
func inData(data string) string {
	return cmp.Or(memberOf(data, "alerts"), data)
}

func isArray(value string) bool { return value != "" && value[0] == '[' }

// isAlertList reports an array of alerts, by its first element.
func isAlertList(value string) bool {
	if !isArray(value) {
		return false
	}
	for _, element := range elements(value) {
		return memberOf(element, "labels") != "" && memberOf(element, "annotations")+memberOf(element, "startsAt") != ""
	}
	return false
}

// webhook is a message with alerts. What it says of all of them stays reachable
// through Extra.
type webhook struct {
	from         Place
	words        severities
	members      []member // but the alerts
	source       string
	commonLabels map[string]string
	alerts       []alert
}

func decodeAlertmanager(m *message) ([]Envelope, error) {
	if err := m.parse(); err != nil {
		return nil, err
	}
	w := webhook{from: m.From, words: m.words, source: "alertmanager"}
	if m.kind == '[' {
		w.alerts = w.alertsOf(m.body)
	} else if err := m.object(); err != nil {
		return nil, err
	}
	for _, m := range m.members {
		w.set(m)
	}
	if len(w.alerts) == 0 {
		return nil, fmt.Errorf("expected at least one alert: %s", m.describe())
	}
	w.commonLabels = textMap(find(w.members, "commonLabels"))
	list := make([]Envelope, 0, len(w.alerts)+1)
	for i := range w.alerts {
		list = append(list, w.envelope(&w.alerts[i]))
	}
	about := objectOf(w.members)
	for i := range list {
		list[i].keep("group", about)
	}
	if group := list[0].AlertGroup(); group.TruncatedAlerts > 0 {
		more := w.truncation(group, list)
		more.keep("group", about)
		list = append(list, more)
	}
	return list, nil
}

// set takes a member of the message.
func (w *webhook) set(m member) {
	switch m.name {
	case "orgId", "appVersion":
		w.source = "grafana"
	case "alerts", "data":
		if alerts := inData(m.value); isArray(alerts) {
			w.alerts = w.alertsOf(alerts)
			return
		}
	}
	w.members = append(w.members, m)
}

// alertsOf reads an array of alerts. What is no alert is shown as it is.
func (w *webhook) alertsOf(value string) []alert {
	var list []alert
	for i, element := range elements(value) {
		if i > maxParts { // Decode says so
			break
		}
		var a alert
		if element[0] == '{' {
			a = alertOf(membersOf(element), w.from.Time)
		} else {
			a.state = Firing
			a.annotations = map[string]string{"summary": fmt.Sprintf("Part [%d] of a message is no alert", i), "description": shorten(element)}
		}
		list = append(list, a)
	}
	return list
}

// truncation tells of the alerts that Alertmanager left out of its message, which
// holds those of list.
func (w *webhook) truncation(group *AlertGroup, list []Envelope) Envelope {
	last := &list[len(list)-1]
	e := Envelope{
		Source: w.source, Time: last.Time, Labels: w.commonLabels,
		Subject: fmt.Sprintf("%s: %d more alerts that Alertmanager did not send", cmp.Or(group.title(w.commonLabels), "Alerts"), group.TruncatedAlerts),
	}
	for i := range list {
		e.Severity = max(e.Severity, list[i].Severity)
	}
	e.link("runbook", cmp.Or(group.CommonAnnotations["runbook_url"], group.CommonAnnotations["runbook"]))
	e.link("dashboard", group.CommonAnnotations["dashboard_url"])
	e.link("alertmanager", group.ExternalURL)
	if last.ID != "" {
		e.ID = fmt.Sprintf("%s/truncated/%d/%s", group.GroupKey, group.TruncatedAlerts, last.ID)
	}
	return e
}
