package envelope

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Group makes one notification of many that came together, with the many as
// its Members, the worst first. What all have in common is that of the group. It
// has ended when all of them have, and is as severe as the worst that has not.
func Group(list []Envelope) Envelope {
	members := slices.Clone(list)
	slices.SortStableFunc(members, worstFirst)
	first := members[0]
	e := Envelope{
		State: first.State, Severity: first.Severity, SeverityWord: first.SeverityWord,
		Source:       common(members, func(e *Envelope) string { return e.Source }),
		HostName:     common(members, func(e *Envelope) string { return e.HostName }),
		ServerName:   common(members, func(e *Envelope) string { return e.ServerName }),
		DomainName:   common(members, func(e *Envelope) string { return e.DomainName }),
		InstanceName: common(members, func(e *Envelope) string { return e.InstanceName }),
		EventType:    common(members, func(e *Envelope) string { return e.EventType }),
		Labels:       commonLabels(members), Links: commonLinks(members),
		Trace: first.Trace, Headers: first.Headers, Members: members,
	}
	e.Time, e.Expiry = times(members)
	if about := common(members, func(e *Envelope) string { return string(e.Extra["group"]) }); about != "" {
		e.keep("group", about)
	}
	e.describeGroup()
	return e
}

// worstFirst orders by whether it goes on, by severity, and by time.
func worstFirst(a, b Envelope) int {
	ended := func(e Envelope) int {
		if e.State == Resolved {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(ended(a), ended(b)), cmp.Compare(b.Severity, a.Severity), a.Time.Compare(b.Time))
}

// common returns what all say alike, "" if they differ.
func common(list []Envelope, of func(*Envelope) string) string {
	value := of(&list[0])
	for i := range list {
		if of(&list[i]) != value {
			return ""
		}
	}
	return value
}

func commonLabels(list []Envelope) map[string]string {
	labels := maps.Clone(list[0].Labels)
	for i := range list {
		maps.DeleteFunc(labels, func(name, value string) bool { return list[i].Labels[name] != value })
	}
	return labels
}

func commonLinks(list []Envelope) []Link {
	links := slices.Clone(list[0].Links)
	for i := range list {
		links = slices.DeleteFunc(links, func(l Link) bool { return !slices.Contains(list[i].Links, l) })
	}
	return links
}

// times returns when the last of them was, and when the last stops being news.
func times(list []Envelope) (last, expiry time.Time) {
	expires := true
	for i := range list {
		if list[i].Time.After(last) {
			last = list[i].Time
		}
		if list[i].Expiry.After(expiry) {
			expiry = list[i].Expiry
		}
		expires = expires && !list[i].Expiry.IsZero()
	}
	if !expires {
		expiry = time.Time{}
	}
	return last, expiry
}

// describeGroup names what the members are about, how many they are, and where to
// read on.
func (e *Envelope) describeGroup() {
	about := e.AlertGroup()
	title := cmp.Or(
		common(e.Members, func(e *Envelope) string { return e.Subject }), about.title(e.Labels), e.EventType, e.Source, "Notifications",
	)
	e.Subject = strings.TrimRight(oneLine(title), ".:") + e.scope(title) + ": " + Count(e.Members)
	if len(e.Links) == 0 {
		e.link("alertmanager", about.ExternalURL)
	}
}

// AlertGroup is what a webhook message of Alertmanager says of all its alerts.
type AlertGroup struct {
	Receiver, ExternalURL, GroupKey              string
	GroupLabels, CommonLabels, CommonAnnotations map[string]string
	TruncatedAlerts                              int
}

// AlertGroup returns what the message of e says of all its alerts. What it does not
// say is empty.
func (e *Envelope) AlertGroup() *AlertGroup {
	a := new(AlertGroup)
	_ = json.Unmarshal(e.Extra["group"], a) // a member of another type is left out
	return a
}

// title is what the alerts have in common, "" if that is nothing.
func (a *AlertGroup) title(labels map[string]string) string {
	name, summary := cmp.Or(labels["alertname"], a.GroupLabels["alertname"]), cmp.Or(a.CommonAnnotations["summary"], a.CommonAnnotations["title"])
	if name == "" && summary == "" {
		return pairs(a.GroupLabels)
	}
	return headline(name, summary)
}

// scope is the part of the world in which all of it happens, as far as the title
// does not say so.
func (e *Envelope) scope(title string) string {
	var places []string
	for _, name := range []string{"cluster", "environment", "env", "namespace"} {
		if value := e.Labels[name]; value != "" && !strings.Contains(title, value) {
			places = append(places, name+"="+oneLine(value))
		}
	}
	if places == nil {
		return ""
	}
	return " (" + strings.Join(places, " ") + ")"
}

// pairs lists labels in the order of their names.
func pairs(labels map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, name+"="+labels[name])
	}
	return strings.Join(parts, " ")
}

// Count says how many fire, what has ended, and the rest.
func Count(list []Envelope) string {
	states := map[State]int{}
	for i := range list {
		states[list[i].State]++
	}
	rest := len(list) - states[Firing] - states[Resolved]
	if rest == len(list) {
		return fmt.Sprintf("%d notifications", rest)
	}
	var parts []string
	for _, part := range []struct {
		count int
		word  string
	}{{states[Firing], "firing"}, {states[Resolved], "resolved"}, {rest, "other"}} {
		if part.count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.count, part.word))
		}
	}
	return strings.Join(parts, ", ")
}

// Difference says what tells a member from the others of its group: labels that
// are not those of all, else its details, host or the first line of its text.
func (e *Envelope) Difference(group *Envelope) string {
	own := maps.Clone(e.Labels)
	maps.DeleteFunc(own, func(name, value string) bool {
		_, shared := group.Labels[name]
		return shared || value == "" || name == "alertname" || name == "severity" || strings.Contains(e.Subject, value)
	})
	if len(own) > 0 {
		return pairs(own)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(e.Message), "\n")
	if group.HostName == "" && e.HostName != "" && !strings.Contains(e.Subject, e.HostName) {
		return e.HostName
	}
	return first
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
