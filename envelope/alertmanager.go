package envelope

import (
	"fmt"
	"strconv"
)

// alertmanager is the webhook message of Prometheus Alertmanager, version 4,
// which Grafana sends as well, and the lists of alerts that Alertmanager's API
// takes and gives.
var alertmanager = format{ //nolint:gochecknoglobals // a constant
	name:    "alertmanager",
	headers: noHeaders,
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
	decode: func(m *message, _ Config) ([]Envelope, error) {
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
	if data == "" || data[0] != '{' {
		return data
	}
	for name, value := range members(data) {
		if name == "alerts" {
			return value
		}
	}
	return ""
}

func isArray(value string) bool { return value != "" && value[0] == '[' }

// isAlertList reports an array of alerts, by its first element.
func isAlertList(value string) bool {
	if !isArray(value) {
		return false
	}
	for _, element := range elements(value) {
		return element[0] == '{' && hasMember(element, "labels") && (hasMember(element, "annotations") || hasMember(element, "startsAt"))
	}
	return false
}

// webhook is the part of a webhook message that we understand. The rest stays
// reachable through Extra.
type webhook struct {
	from                                   Place
	words                                  severities
	groupKey, externalURL, source          string
	truncated                              int64
	groupLabels, commonLabels, commonNotes map[string]string
	alerts                                 []alert
	rest                                   []string // members as JSON
	about                                  string   // all of rest, as an object
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
		w.set(m.name, m.value)
	}
	if len(w.alerts) == 0 {
		return nil, fmt.Errorf("expected at least one alert: %s", m.describe())
	}
	list := make([]Envelope, 0, len(w.alerts)+1)
	for i := range w.alerts {
		e := w.envelope(&w.alerts[i])
		w.describe(&e)
		list = append(list, e)
	}
	if w.truncated > 0 {
		list = append(list, w.truncation(list))
	}
	return list, nil
}

// set takes a member of the message. One of an unexpected type stays in rest.
func (w *webhook) set(name, value string) {
	switch name {
	case "groupKey":
		w.groupKey, _ = scalar(value)
	case "externalURL":
		w.externalURL, _ = scalar(value)
	case "orgId", "appVersion":
		w.source = "grafana"
	case "truncatedAlerts":
		w.truncated, _ = number(value)
	case "groupLabels":
		w.groupLabels = textMap(value)
	case "commonLabels":
		w.commonLabels = textMap(value)
	case "commonAnnotations":
		w.commonNotes = textMap(value)
	case "alerts", "data":
		if alerts := inData(value); isArray(alerts) {
			w.alerts = w.alertsOf(alerts)
			return
		}
	}
	w.rest = append(w.rest, quoteJSON(name)+":"+value)
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
			for _, m := range membersOf(element) {
				a.set(m.name, m.value)
			}
		} else {
			a.annotations = map[string]string{"summary": "Part [" + strconv.Itoa(i) + "] of a message is no alert", "description": shorten(element)}
		}
		a.findState(w.from.Time)
		list = append(list, a)
	}
	return list
}
