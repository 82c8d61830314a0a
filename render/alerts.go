package render

import (
	"cmp"
	"encoding/json"
	"reflect"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// The members that templates for Alertmanager and Grafana name. A notification
// of another format has them as well, as far as it says as much.

func (n notification) group() *envelope.AlertGroup {
	if n.made.group == nil {
		n.made.group = n.envelope.AlertGroup()
	}
	return n.made.group
}

// What Alertmanager says of the group.

func (n notification) Status() string       { return n.State() }
func (n notification) Receiver() string     { return n.line(n.group().Receiver) }
func (n notification) ExternalURL() string  { return n.line(n.group().ExternalURL) }
func (n notification) GroupKey() string     { return n.line(n.group().GroupKey) }
func (n notification) TruncatedAlerts() int { return n.group().TruncatedAlerts }
func (n notification) GroupLabels() KV      { return n.kv(n.group().GroupLabels) }

// CommonLabels returns those that all alerts of the group have.
func (n notification) CommonLabels() KV {
	if n.group().CommonLabels == nil {
		return n.Labels()
	}
	return n.kv(n.group().CommonLabels)
}

// CommonAnnotations returns those that all alerts of the group have.
func (n notification) CommonAnnotations() KV {
	if n.group().CommonAnnotations == nil {
		return n.Annotations()
	}
	return n.kv(n.group().CommonAnnotations)
}

// Annotations returns the annotations; of a notification without any, its title
// and text under the names that alerts use.
func (n notification) Annotations() KV {
	if n.made.annotations == nil {
		var all map[string]string
		if json.Unmarshal(n.envelope.Extra["annotations"], &all) != nil {
			all = map[string]string{"summary": n.envelope.Subject, "description": n.envelope.Message}
		}
		n.made.annotations = n.kv(all)
	}
	return n.made.annotations
}

// StartsAt returns when it began.
func (n notification) StartsAt() time.Time {
	if began := n.extraTime("startsAt"); !began.IsZero() || n.Resolved() {
		return began
	}
	return n.Time()
}

// EndsAt returns when it ended, no time if it has not.
func (n notification) EndsAt() time.Time {
	if ended := n.extraTime("endsAt"); !ended.IsZero() || !n.Resolved() {
		return ended
	}
	return n.Time()
}

// Where to read on.

func (n notification) GeneratorURL() string { return n.Link("generator") }
func (n notification) SilenceURL() string   { return n.Link("silence") }
func (n notification) DashboardURL() string { return n.Link("dashboard") }
func (n notification) PanelURL() string     { return n.Link("panel") }
func (n notification) ImageURL() string     { return cmp.Or(n.Link("image"), n.extraText("imageURL")) }

// Values returns the values of Grafana's queries, by their letters. They may be
// absent, like Data.
func (n notification) Values() (reflect.Value, error) {
	value, err := n.config.decode(n.envelope.Extra["values"])
	return reflect.ValueOf(value), err
}

// ValueString returns the same as Grafana writes it.
func (n notification) ValueString() string { return n.extraText("valueString") }

func (n notification) extraText(name string) string {
	var s string
	_ = json.Unmarshal(n.envelope.Extra[name], &s) // what is no text is absent
	return n.line(s)
}

func (n notification) extraTime(name string) time.Time {
	var t time.Time
	_ = json.Unmarshal(n.envelope.Extra[name], &t) // what is no time is absent
	return t.UTC()
}

func (n notification) kv(all map[string]string) KV {
	kv := make(KV, len(all))
	for name, value := range all {
		kv[n.line(name)] = n.text(value)
	}
	return kv
}

// Alerts returns the members of a group; itself if it is none.
func (n notification) Alerts() Alerts {
	if len(n.envelope.Members) == 0 {
		return Alerts{n}
	}
	if n.made.members == nil {
		n.made.members = make(Alerts, len(n.envelope.Members))
		for i := range n.envelope.Members {
			n.made.members[i] = newNotification(&n.envelope.Members[i], n.config)
		}
	}
	return n.made.members
}

// Alerts is a list of them, as Alertmanager's templates know it.
type Alerts []notification

// Firing returns those that have not ended.
func (a Alerts) Firing() Alerts {
	return a.only(func(n notification) bool { return !n.Resolved() })
}

// Resolved returns those that have.
func (a Alerts) Resolved() Alerts { return a.only(notification.Resolved) }

func (a Alerts) only(is func(notification) bool) Alerts {
	var some Alerts
	for _, n := range a {
		if is(n) {
			some = append(some, n)
		}
	}
	return some
}
