package render

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// notification is what a template sees of an envelope: its methods are the
// members that a template can name. All its texts are safe: they have no control
// characters, and mean nothing to a client. docs/templates.md explains it to
// people.
type notification struct {
	envelope *envelope.Envelope
	config   Config
	made     *made
}

// made holds what took work, for the next time.
type made struct {
	message             string
	labels, annotations KV
	group               *envelope.AlertGroup
	members             Alerts
	data                reflect.Value
	extra               map[string]any
}

func newNotification(e *envelope.Envelope, c Config) notification {
	return notification{e, c, new(made)}
}

func (n notification) line(s string) string { return n.config.safe(oneLine(bound(s))) }

func (n notification) text(s string) string { return n.config.safe(clean(bound(s))) }

// bound cuts s to what a template may make at all.
func bound(s string) string { return s[:cut.At(s, maxOutput)] }

// What it is.

func (n notification) ID() string          { return n.line(n.envelope.ID) }
func (n notification) Source() string      { return n.line(n.envelope.Source) }
func (n notification) Subject() string     { return n.line(n.envelope.Subject) }
func (n notification) Type() string        { return n.line(n.envelope.EventType) }
func (n notification) Fingerprint() string { return n.line(n.envelope.Fingerprint) }
func (n notification) Trace() string       { return n.line(n.envelope.Trace.Parent) }

// Message returns the text; of a group, a line for each of its members.
func (n notification) Message() string {
	if n.made.message == "" {
		n.made.message = cmp.Or(n.config.members(n.envelope), n.text(n.envelope.Message))
	}
	return n.made.message
}

// How bad it is, and whether it goes on.

func (n notification) Level() int     { return int(n.envelope.Severity) }
func (n notification) Mark() string   { return n.line(mark(n.envelope)) }
func (n notification) State() string  { return string(n.envelope.State) }
func (n notification) Firing() bool   { return n.envelope.State == envelope.Firing }
func (n notification) Resolved() bool { return n.envelope.State == envelope.Resolved }

// Severity returns its name, or the publisher's word if that is not known.
func (n notification) Severity() string {
	if n.envelope.Severity == envelope.Unspecified && n.envelope.SeverityWord != "" {
		return n.line(n.envelope.SeverityWord)
	}
	return n.envelope.Severity.String()
}

// Where and when.

func (n notification) Server() string    { return n.line(n.envelope.ServerName) }
func (n notification) Host() string      { return n.line(n.envelope.HostName) }
func (n notification) Domain() string    { return n.line(n.envelope.DomainName) }
func (n notification) Instance() string  { return n.line(n.envelope.InstanceName) }
func (n notification) Time() time.Time   { return n.envelope.Time.UTC() }
func (n notification) Expiry() time.Time { return n.envelope.Expiry.UTC() }

// Labels returns the labels.
func (n notification) Labels() KV {
	if n.made.labels == nil {
		n.made.labels = make(KV, len(n.envelope.Labels))
		for name, value := range n.envelope.Labels {
			n.made.labels[n.line(name)] = n.line(value)
		}
	}
	return n.made.labels
}

// Details returns the lines of names and values below the message.
func (n notification) Details() Pairs {
	details := make(Pairs, len(n.envelope.Details))
	for i, each := range n.envelope.Details {
		details[i] = pair{n.line(each.Name), n.line(each.Value)}
	}
	return details
}

// link is an address to read on.
type link struct{ Name, URL string }

// Links returns those that lead somewhere.
func (n notification) Links() []link {
	var links []link
	for _, each := range n.envelope.Links {
		if url := oneLine(each.URL); isWeb(url) {
			links = append(links, link{n.line(each.Name), url})
		}
	}
	return links
}

// Link returns the address with that name, "" if there is none.
func (n notification) Link(name string) string {
	for _, each := range n.Links() {
		if each.Name == name {
			return each.URL
		}
	}
	return ""
}

// Header returns the header of the message with that name in any case, "" if
// there is none.
func (n notification) Header(name string) string {
	return n.line(envelope.Raw{Header: n.envelope.Headers}.Get(name))
}

// Default returns the text that is sent without a template.
func (n notification) Default() string { return n.config.text(n.envelope) }

// String is what a template shows of the whole notification.
func (n notification) String() string { return n.Default() }

// maxData is how many bytes of JSON a template can see: to decode them takes
// time.
const maxData = 256 << 10

var errData = fmt.Errorf("more than %d bytes of JSON", maxData)

// Data returns the structured payload. It is a reflect.Value so that an absent
// one can be asked for members.
func (n notification) Data() (reflect.Value, error) {
	if n.made.data.IsValid() || len(n.envelope.Data) == 0 {
		return n.made.data, nil
	}
	value, err := n.config.decode(n.envelope.Data)
	n.made.data = reflect.ValueOf(value)
	return n.made.data, err
}

// Extra returns what of the notification has no place elsewhere, by name.
func (n notification) Extra() (map[string]any, error) {
	if n.made.extra != nil {
		return n.made.extra, nil
	}
	size := 0
	all := make(map[string]any, len(n.envelope.Extra))
	for name, raw := range n.envelope.Extra {
		if size += len(raw); size > maxData {
			return nil, errData
		}
		value, err := n.config.decode(raw)
		if err != nil {
			return nil, err
		}
		if value != nil {
			all[n.line(name)] = value
		}
	}
	n.made.extra = all
	return all, nil
}

// bare gives back the text that safe has changed.
func bare(s string) string { return strings.ReplaceAll(s, joiner, "") }
