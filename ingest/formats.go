package ingest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// format is what services send to one path.
type format struct {
	// convert makes of a request's body what the worker reads. Nil: it reads that.
	convert func(r *http.Request, body []byte) ([]byte, error)
	// reads is the name of the worker's format; "" for any.
	reads string
	// answer is the body of the answer 200; "" for JSON.
	answer string
}

// formats are by the last part of the path.
func formats() map[string]format {
	return map[string]format{
		"alertmanager":  {reads: "alertmanager"},
		"grafana":       {reads: "alertmanager"}, // its unified alerting sends the same members, and more
		"notifications": {},
		"text":          {convert: fromText},
		"slack":         {convert: fromSlack, answer: "ok"}, // as Slack answers
		"payara":        {convert: fromPayaraCard},
	}
}

// decoded is the message for the broker, after a look whether the worker can read it.
func (f *format) decoded(name string, r *http.Request, body []byte) (Message, error) {
	raw := envelope.Raw{Body: body, Header: kept(r.Header)}
	if f.convert != nil {
		text, err := raw.Text()
		if err != nil {
			return Message{}, err
		}
		converted, err := f.convert(r, text)
		if err != nil {
			return Message{}, err
		}
		raw = envelope.Raw{Body: converted, Header: []envelope.Header{{Key: "Content-Type", Value: "application/json"}}}
	}
	decoded, err := envelope.Decoder{}.Decode(raw)
	switch {
	case err != nil:
		return Message{}, err
	case f.reads != "" && decoded.Format != f.reads:
		return Message{}, fmt.Errorf("it is no webhook of %s: it was read as %s (%s)", name, decoded.Format, decoded.Why)
	}
	return Message{ID: identity(name, decoded.Envelopes), Format: name, Header: raw.Header, Body: raw.Body}, nil
}

// kept are the headers that say what the body is: those of CloudEvents in binary
// mode, and of traces. Others, like cookies and tokens, stay here.
func kept(header http.Header) []envelope.Header {
	var list []envelope.Header
	for key, values := range header {
		switch name := strings.ToLower(key); {
		case strings.HasPrefix(name, "ce-"), name == "content-type", name == "content-encoding", name == "traceparent", name == "tracestate":
			list = append(list, envelope.Header{Key: name, Value: values[0]})
		}
	}
	return list
}

// native writes a notification in the worker's own format, without empty members.
func native(members map[string]any) ([]byte, error) {
	maps.DeleteFunc(members, func(_ string, value any) bool { return value == "" })
	return json.Marshal(members)
}

// fromText takes plain text; what else is known is in the query.
func fromText(r *http.Request, body []byte) ([]byte, error) {
	n := map[string]any{"message": strings.TrimSpace(string(body))}
	for _, name := range []string{"id", "source", "severity", "subject"} {
		n[name] = r.URL.Query().Get(name)
	}
	return native(n)
}

// fromSlack takes JSON, or a form with it, as Slack does: payload={…}. The worker
// gets what people would read of it.
func fromSlack(r *http.Request, body []byte) ([]byte, error) {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "application/x-www-form-urlencoded") && !strings.HasPrefix(string(body), "{") {
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("payload") == "" {
			return nil, errors.New("the form has no member payload")
		}
		body = []byte(form.Get("payload"))
	}
	e, err := envelope.Decode(envelope.Raw{Body: body, Header: []envelope.Header{{Key: "Content-Type", Value: "application/json"}}})
	if err != nil {
		return nil, fmt.Errorf("it is no message for Slack: %w", err)
	}
	lines := []string{e.Message}
	for _, d := range e.Details {
		lines = append(lines, d.Name+": "+d.Value)
	}
	links := make(map[string]string)
	for _, l := range e.Links {
		links[cmp.Or(l.Name, "link")] = l.URL
	}
	n := map[string]any{
		"source": e.Source, "subject": e.Subject, "message": strings.TrimSpace(strings.Join(lines, "\n")), "hostName": e.HostName,
		"severity": e.SeverityWord,
	}
	if e.SeverityWord == "" && e.Severity != envelope.Unspecified {
		n["severity"] = e.Severity
	}
	if len(links) > 0 {
		n["links"] = links
	}
	if !e.Time.IsZero() {
		n["time"] = e.Time
	}
	return native(n)
}

// payaraCard is what Payara's notifier for Teams sends: the text has the title and
// the place in its first line, the message in the others.
type payaraCard struct {
	Summary string `json:"summary"`
	Text    string `json:"text"`
}

func fromPayaraCard(_ *http.Request, body []byte) ([]byte, error) {
	var card payaraCard
	if err := json.Unmarshal(body, &card); err != nil {
		return nil, fmt.Errorf("it is no card of Payara's Teams notifier: %w", err)
	}
	if card.Text == "" {
		return nil, errors.New(`it is no card of Payara's Teams notifier: the member "text" is missing or empty`)
	}
	title, message, _ := strings.Cut(card.Text, "\n")
	n := map[string]any{"source": "payara", "eventType": card.Summary, "subject": title, "message": message}
	if place := cardPlace.FindStringSubmatch(title); place != nil {
		for i, name := range []string{"subject", "hostName", "serverName", "domainName", "instanceName"} {
			n[name] = place[i+1]
		}
	}
	return native(n)
}

// cardPlace is a title with the place behind it.
var cardPlace = regexp.MustCompile(`^(.*)\. \(host: (.*?), server: (.*?), domain: (.*?), instance: (.*)\)$`)
