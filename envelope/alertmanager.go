package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
)

// alertmanager is the webhook message of Prometheus Alertmanager, version 4,
// which Grafana sends as well.
var alertmanager = format{ //nolint:gochecknoglobals // a constant
	name:    "alertmanager",
	headers: noHeaders,
	shape: func(m *message) string {
		alerts := m.get("alerts")
		if alerts != "" && alerts[0] == '[' && (m.get("groupKey") != "" || m.get("receiver") != "") {
			return "it has the members alerts and receiver or groupKey"
		}
		return ""
	},
	decode: func(m *message, c Config) ([]Envelope, error) {
		list, err := decodeAlertmanager(m, c.Alerts == perGroup)
		if err != nil {
			return nil, fmt.Errorf("alertmanager: %w", err)
		}
		return list, nil
	},
}

// webhook is the part of a webhook message that we understand. The rest stays
// reachable through Extra.
type webhook struct {
	groupKey, receiver, externalURL        string
	truncated                              int64
	groupLabels, commonLabels, commonNotes map[string]string
	alerts                                 []alert
	rest                                   []string        // members as JSON
	about                                  json.RawMessage // all of rest, as an object
}

func decodeAlertmanager(m *message, group bool) ([]Envelope, error) {
	if err := m.object(); err != nil {
		return nil, err
	}
	var w webhook
	for _, m := range m.members {
		if err := w.set(m.name, m.value); err != nil {
			return nil, at(m.name, err)
		}
	}
	if len(w.alerts) == 0 {
		return nil, at("alerts", errors.New("expected at least one alert"))
	}
	if group {
		e, err := w.group()
		return one(e, err)
	}
	list := make([]Envelope, 0, len(w.alerts)+1)
	for i := range w.alerts {
		e, err := w.alerts[i].envelope()
		if err != nil {
			return nil, at("alerts"+index(i), err)
		}
		w.describe(&e)
		list = append(list, e)
	}
	if w.truncated > 0 {
		list = append(list, w.truncation())
	}
	return list, nil
}

func (w *webhook) set(name, value string) (err error) {
	if value == "null" {
		return nil
	}
	switch name {
	case "groupKey":
		w.groupKey, err = scalar(value)
	case "receiver":
		w.receiver, err = text(value)
	case "externalURL":
		w.externalURL, err = text(value)
	case "truncatedAlerts":
		count, ok := number(value)
		if w.truncated = count; !ok {
			err = fmt.Errorf("expected a whole number, got %s", describe(value))
		}
	case "groupLabels":
		w.groupLabels, err = textMap(value)
	case "commonLabels":
		w.commonLabels, err = textMap(value)
	case "commonAnnotations":
		w.commonNotes, err = textMap(value)
	case "alerts":
		w.alerts, err = alertsOf(value)
	}
	if err == nil && name != "alerts" {
		w.rest = append(w.rest, quoteJSON(name)+":"+value)
	}
	return err
}

func alertsOf(value string) ([]alert, error) {
	if value[0] != '[' {
		return nil, fmt.Errorf("expected an array, got %s", describe(value))
	}
	var list []alert
	for i, element := range elements(value) {
		if i == maxParts {
			return nil, fmt.Errorf("more than %d alerts", maxParts)
		}
		if element[0] != '{' {
			return nil, at(index(i), fmt.Errorf("expected an object, got %s", describe(element)))
		}
		fields, err := membersOf(element)
		if err != nil {
			return nil, at(index(i), err)
		}
		var a alert
		for _, m := range fields {
			if err := a.set(m.name, m.value); err != nil {
				return nil, at(index(i), at(m.name, err))
			}
		}
		list = append(list, a)
	}
	return list, nil
}
