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
	members             []member
	state               State
	fingerprint         string
	started, ended      time.Time
	labels, annotations map[string]string
}

// alertOf reads an alert. Prometheus writes no state of those that it sends: an alert
// whose end was over when it was published has ended.
func alertOf(members []member, published time.Time) alert {
	a := alert{
		members: members, state: Firing, fingerprint: textIn(members, "fingerprint"),
		labels: textMap(find(members, "labels")), annotations: textMap(find(members, "annotations")),
	}
	// Alertmanager writes year 1 for not yet.
	a.started, _ = anyTime(cmp.Or(textIn(members, "startsAt"), textIn(members, "activeAt")))
	a.ended, _ = anyTime(textIn(members, "endsAt"))
	status := cmp.Or(textIn(members, "status"), textIn(members, "state"), textMap(find(members, "status"))["state"])
	isOver := status == "" && !a.ended.IsZero() && !published.IsZero() && !a.ended.After(published)
	if isOver || stateOf(status) == Resolved {
		a.state = Resolved
	}
	return a
}

// extra are the members that have no field.
func (a *alert) extra() (rest map[string]json.RawMessage) {
	for _, m := range a.members {
		switch m.name {
		case "status", "state", "fingerprint", "labels", "generatorURL", "dashboardURL", "panelURL", "silenceURL":
		default:
			if m.value != "null" {
				rest = put(rest, m.name, m.value)
			}
		}
	}
	return rest
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
		Time:   a.started, State: a.state, Fingerprint: a.fingerprint,
		Subject:  headline(a.name(), cmp.Or(a.annotations["summary"], a.annotations["title"])),
		Message:  cmp.Or(a.annotations["description"], a.annotations["message"]),
		HostName: a.label("pod", "node", "host", "hostname", "nodename", "kubernetes_node", "instance", "server", "device"),
		// The name of the rule is what publishers classify alerts by.
		EventType: a.label("alertname"),
		Labels:    a.labels, Links: a.links(), Extra: a.extra(),
	}
	if e.State == Resolved && e.ID != "" {
		e.Follows = a.identityOf(Firing)
	}
	a.setSeverity(&e, w.words)
	if a.state == Resolved && a.ended.After(a.started) {
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
	id := a.identityOf(a.state)
	if a.state == Firing {
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
	e.link("dashboard", cmp.Or(a.annotations["dashboard_url"], a.annotations["dashboard"], textIn(a.members, "dashboardURL")))
	for _, name := range [...]string{"panel", "image", "generator", "silence"} {
		e.link(name, textIn(a.members, name+"URL"))
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
	return cmp.Or(pairs(textMap(find(a.members, "values"))), shorten(strings.TrimSpace(textIn(a.members, "valueString"))))
}

// textMap returns the scalars of an object as a map; nil if it is none.
func textMap(value string) map[string]string {
	if value == "" || value[0] != '{' {
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

// textIn returns the text of a member that is a scalar, "" if there is none.
func textIn(list []member, name string) string {
	s, _ := scalar(cmp.Or(find(list, name), "null"))
	return s
}

func put(m map[string]json.RawMessage, name, value string) map[string]json.RawMessage {
	if m == nil {
		m = make(map[string]json.RawMessage)
	}
	m[name] = json.RawMessage(value)
	return m
}
