package envelope

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// alert is one alert in a webhook message.
type alert struct {
	status, fingerprint, startsAt, endsAt string
	labels, annotations                   map[string]string
	links                                 []Link
	rest                                  map[string]json.RawMessage
}

func (a *alert) set(name, value string) (err error) {
	if value == "null" {
		return nil
	}
	switch name {
	case "status":
		a.status, err = text(value)
	case "fingerprint":
		a.fingerprint, err = text(value)
	case "startsAt":
		a.startsAt, err = text(value)
	case "endsAt":
		a.endsAt, err = text(value)
	case "labels":
		a.labels, err = textMap(value)
	case "annotations":
		a.annotations, err = textMap(value)
		a.rest = put(a.rest, name, value)
	case "generatorURL", "dashboardURL", "panelURL", "silenceURL":
		var url string
		if url, err = text(value); url != "" {
			a.links = append(a.links, Link{strings.TrimSuffix(name, "URL"), url})
		}
	default:
		a.rest = put(a.rest, name, value)
	}
	return err
}

// envelope makes a notification of one alert.
func (a *alert) envelope() (Envelope, error) {
	state, err := a.state()
	if err != nil {
		return Envelope{}, err
	}
	started, ended, err := a.times()
	if err != nil {
		return Envelope{}, err
	}
	e := Envelope{
		ID:     a.identity(),
		Source: cmp.Or(a.labels["job"], a.labels["service"], "alertmanager"),
		Time:   started, State: state, Severity: a.severity(), Fingerprint: a.fingerprint,
		Subject:   cmp.Or(a.annotations["summary"], a.annotations["title"], a.labels["alertname"], "Alert without a name"),
		Message:   cmp.Or(a.annotations["description"], a.annotations["message"]),
		HostName:  cmp.Or(a.labels["instance"], a.labels["pod"], a.labels["node"]),
		EventType: a.labels["alertname"],
		Labels:    a.labels, Links: a.allLinks(), Extra: a.rest,
	}
	if state == Resolved && ended.After(started) {
		e.Time = ended
		// What the description says is not so any more; it stays in Extra.
		e.Message = "Lasted " + ended.Sub(started).Round(time.Second).String() + "."
	}
	e.keep("startsAt", quoteJSON(a.startsAt))
	e.keep("endsAt", quoteJSON(a.endsAt))
	return e, nil
}

func (a *alert) state() (State, error) {
	switch a.status {
	case "firing":
		return Firing, nil
	case "resolved":
		return Resolved, nil
	}
	return "", at("status", fmt.Errorf(`expected "firing" or "resolved", got %s`, quote(a.status)))
}

// times returns when the alert began and ended; Alertmanager writes year 1 for
// not yet.
func (a *alert) times() (started, ended time.Time, err error) {
	if a.startsAt != "" {
		if started, err = parseTime(a.startsAt); err != nil {
			return started, ended, at("startsAt", err)
		}
	}
	if a.endsAt != "" {
		if ended, err = parseTime(a.endsAt); err != nil {
			return started, ended, at("endsAt", err)
		}
	}
	return started, ended, nil
}

// identity is equal for the same state of the same alert, whichever replica of
// Alertmanager tells of it. There is none if that cannot be told.
func (a *alert) identity() string {
	if a.fingerprint == "" || a.startsAt == "" {
		return ""
	}
	id := a.fingerprint + "/" + a.status + "/" + a.startsAt
	if a.status == string(Resolved) {
		id += "/" + a.endsAt
	}
	return id
}

// severity is that of the first label which publishers use for it.
func (a *alert) severity() Severity {
	s, _ := ParseSeverity(cmp.Or(a.labels["severity"], a.labels["level"], a.labels["priority"]))
	return s
}

// allLinks puts the most useful link first.
func (a *alert) allLinks() []Link {
	var e Envelope
	e.link("runbook", cmp.Or(a.annotations["runbook_url"], a.annotations["runbook"]))
	e.link("dashboard", cmp.Or(a.annotations["dashboard_url"], a.annotations["dashboard"]))
	return append(e.Links, a.links...)
}

// textMap returns an object of scalars as a map.
func textMap(value string) (map[string]string, error) {
	m := make(map[string]string)
	err := eachText(value, func(name, value string) { m[name] = value })
	return m, err
}

func put(m map[string]json.RawMessage, name, value string) map[string]json.RawMessage {
	if m == nil {
		m = make(map[string]json.RawMessage)
	}
	m[name] = json.RawMessage(value)
	return m
}
