package envelope

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// alert is one alert in a webhook message.
type alert struct {
	status, fingerprint, valueString string
	started, ended                   time.Time
	labels, annotations, values      map[string]string
	urls                             map[string]string
	rest                             map[string]json.RawMessage
}

func (a *alert) set(name, value string) {
	switch name {
	case "status", "state": // Prometheus has a state
		if a.status, _ = scalar(value); value[0] == '{' { // of the API
			a.status = textMap(value)["state"]
		}
	case "fingerprint":
		a.fingerprint, _ = scalar(value)
	case "startsAt", "activeAt":
		a.started = a.time(name, value)
	case "endsAt":
		a.ended = a.time(name, value)
	case "labels":
		a.labels = textMap(value)
	case "annotations":
		a.annotations = textMap(value)
		a.rest = put(a.rest, name, value)
	case "values":
		a.values = textMap(value)
		a.rest = put(a.rest, name, value)
	case "valueString":
		a.valueString, _ = scalar(value)
		a.rest = put(a.rest, name, value)
	case "generatorURL", "dashboardURL", "panelURL", "silenceURL", "imageURL":
		if a.urls == nil {
			a.urls = make(map[string]string)
		}
		a.urls[strings.TrimSuffix(name, "URL")], _ = scalar(value)
		if name == "imageURL" {
			a.rest = put(a.rest, name, value)
		}
	default:
		if value != "null" {
			a.rest = put(a.rest, name, value)
		}
	}
}

// time returns a time of the alert; Alertmanager writes year 1 for not yet.
func (a *alert) time(name, value string) time.Time {
	a.rest = put(a.rest, name, value)
	t, _ := anyTime(plain(value))
	return t
}

// findState finds the state of an alert. Prometheus does not write it: an alert
// whose end was over when it was published has ended.
func (a *alert) findState(published time.Time) {
	isOver := a.status == "" && !a.ended.IsZero() && !published.IsZero() && !a.ended.After(published)
	if isOver || stateOf(a.status) == Resolved {
		a.status = string(Resolved)
	} else {
		a.status = string(Firing)
	}
}

// label returns the first of labels that is there.
func (a *alert) label(names ...string) string {
	for _, name := range names {
		if value := a.labels[name]; value != "" {
			return value
		}
	}
	return ""
}

// envelope makes a notification of one alert.
func (w *webhook) envelope(a *alert) Envelope {
	e := Envelope{
		ID:     a.identity(w.from.Time),
		Source: cmp.Or(a.label("job", "service", "service_name", "app"), w.source),
		Time:   a.started, State: State(a.status), Fingerprint: a.fingerprint,
		Subject:  headline(a.name(), cmp.Or(a.annotations["summary"], a.annotations["title"])),
		Message:  cmp.Or(a.annotations["description"], a.annotations["message"]),
		HostName: a.label("pod", "node", "host", "hostname", "nodename", "kubernetes_node", "instance", "server", "device"),
		// The name of the rule is what publishers classify alerts by.
		EventType: a.label("alertname"),
		Labels:    a.labels, Links: a.links(), Extra: a.rest,
	}
	if e.State == Resolved && e.ID != "" {
		e.Follows = a.identityOf(Firing)
	}
	a.setSeverity(&e, w.words)
	if a.status == string(Resolved) && a.ended.After(a.started) {
		e.Time = a.ended
		e.Message = a.past(e.Message)
	}
	e.Details = w.details(a, &e)
	return e
}

// past is the message of an alert that is over: what the description says is
// not so any more.
func (a *alert) past(message string) string {
	if a.started.IsZero() {
		return message
	}
	lasted := "Lasted " + cmp.Or(FormatDuration(a.ended.Sub(a.started)), "less than 1 s") + "."
	if message == "" {
		return lasted
	}
	return lasted + " It was: " + message
}

// name is that of the rule. Grafana puts it elsewhere when a query fails.
func (a *alert) name() string {
	name := a.labels["alertname"]
	if rule := a.labels["rulename"]; rule != "" {
		return strings.TrimSuffix(rule+": "+name, ": ")
	}
	return name
}

// headline puts the name of a rule before the summary, which often does not
// tell what it is about.
func headline(name, summary string) string {
	switch {
	case summary == "":
		return cmp.Or(name, "Alert without a name")
	case name == "" || strings.Contains(strings.ToLower(summary), strings.ToLower(name)):
		return summary
	}
	return name + ": " + summary
}

// identity is equal for the same state of the same alert, whichever replica of
// Alertmanager tells of it: those may differ in when it ended. A reminder hours
// later is another notification. There is no identity if that cannot be told.
func (a *alert) identity(published time.Time) string {
	if a.started.IsZero() || a.fingerprint == "" && len(a.labels) == 0 {
		return ""
	}
	id := a.identityOf(State(a.status))
	if a.status == string(Firing) {
		id += reminder(published, a.started)
	}
	return id
}

// identityOf is the identity of the alert in a state, when it was first told of.
func (a *alert) identityOf(state State) string {
	return cmp.Or(a.fingerprint, hashOf(a.labels)) + "/" + string(state) + "/" + a.started.UTC().Format(time.RFC3339Nano)
}

func hashOf(labels map[string]string) string {
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		_, _ = fmt.Fprintf(sum, "%q%q", name, labels[name]) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// setSeverity takes the first label which publishers use for it. A number is
// shown, too: nobody knows which scale it is on.
func (a *alert) setSeverity(e *Envelope, words severities) {
	word := a.label("severity", "level", "priority", "urgency")
	if e.takeSeverity(word, words); e.SeverityWord == "" && isNumber(word) {
		e.Details = append(e.Details, Detail{"severity", word})
	}
}

// links puts the most useful link first.
func (a *alert) links() []Link {
	var e Envelope
	e.link("runbook", cmp.Or(a.annotations["runbook_url"], a.annotations["runbook"]))
	e.link("dashboard", cmp.Or(a.annotations["dashboard_url"], a.annotations["dashboard"], a.urls["dashboard"]))
	for _, name := range [...]string{"panel", "image", "generator", "silence"} {
		e.link(name, a.urls[name])
	}
	return e.Links
}

// The labels and annotations that say nothing to people, or that are shown
// elsewhere.
const hiddenLabels = `
	alertname rulename severity level priority urgency job prometheus prometheus_replica replica uid endpoint monitor receive tenant_id
	datasource_uid ref_id grafana_folder container_id image_id id metrics_path
	summary title description message runbook_url runbook dashboard_url dashboard`

var hiddenLabelNames = strings.Fields(hiddenLabels) //nolint:gochecknoglobals // a constant table

func isHiddenLabel(name string) bool {
	return strings.HasPrefix(name, "__") || IsSecret(name) || slices.Contains(hiddenLabelNames, name)
}

// firstLabels are those that tell alerts apart best.
const firstLabels = `namespace pod node host hostname instance container device mountpoint service deployment statefulset daemonset job_name queue topic cluster`

// maxAlertDetails is how many lines of labels and annotations are shown.
const maxAlertDetails = 6

// details are the labels that tell alerts apart within their group, then others
// and annotations, unless the text has them already.
func (w *webhook) details(a *alert, e *Envelope) []Detail {
	details := slices.Clip(e.Details)
	add := func(name, value string) {
		if len(details) < maxAlertDetails && value != "" && !saysNothingNew(e, value) &&
			!slices.ContainsFunc(details, func(d Detail) bool { return d.Name == name }) {
			details = append(details, Detail{name, value})
		}
	}
	add("folder", a.labels["grafana_folder"])
	for _, name := range w.labelNames(a) {
		add(name, a.labels[name])
	}
	add("values", a.valuesText())
	for _, name := range slices.Sorted(maps.Keys(a.annotations)) {
		if !isHiddenLabel(name) && !isAddress(a.annotations[name]) {
			add(name, a.annotations[name])
		}
	}
	return details
}

// labelNames lists the labels that are worth showing: first those that other
// alerts of the message do not have, or have with another value.
func (w *webhook) labelNames(a *alert) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(a.labels)) {
		// An exporter's address says little of what it tells about.
		isExporter := name == "instance" && (a.labels["pod"] != "" || a.labels["node"] != "")
		if !isHiddenLabel(name) && !isExporter {
			names = append(names, name)
		}
	}
	order := strings.Fields(firstLabels)
	rank := func(name string) int {
		at := slices.Index(order, name)
		if at < 0 {
			at = len(order)
		}
		if len(w.alerts) > 1 && w.commonLabels[name] == a.labels[name] {
			at += len(order) + 1
		}
		return at
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return names
}

// valuesText are the values that Grafana tells, as one text.
func (a *alert) valuesText() string {
	if len(a.values) == 0 {
		return shorten(strings.TrimSpace(a.valueString))
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(a.values)) {
		parts = append(parts, name+"="+a.values[name])
	}
	return strings.Join(parts, " ")
}

// textMap returns the scalars of an object as a map; nil if it is none.
func textMap(value string) map[string]string {
	if value[0] != '{' {
		return nil
	}
	m := make(map[string]string)
	for _, member := range membersOf(value) {
		if text, ok := scalar(member.value); ok {
			m[member.name] = text
		}
	}
	return m
}

func put(m map[string]json.RawMessage, name, value string) map[string]json.RawMessage {
	if m == nil {
		m = make(map[string]json.RawMessage)
	}
	m[name] = json.RawMessage(value)
	return m
}
