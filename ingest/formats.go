package ingest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

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

// native is a notification in the worker's own format.
type native struct {
	ID           string    `json:"id,omitempty"`
	Time         time.Time `json:"time,omitzero"`
	Source       string    `json:"source,omitempty"`
	Severity     string    `json:"severity,omitempty"`
	Subject      string    `json:"subject,omitempty"`
	Message      string    `json:"message,omitempty"`
	HostName     string    `json:"hostName,omitempty"`
	ServerName   string    `json:"serverName,omitempty"`
	DomainName   string    `json:"domainName,omitempty"`
	InstanceName string    `json:"instanceName,omitempty"`
	EventType    string    `json:"eventType,omitempty"`
	// Links are addresses by their names.
	Links map[string]string `json:"links,omitempty"`
}

// fromText takes plain text; what else is known is in the query.
func fromText(r *http.Request, body []byte) ([]byte, error) {
	text := strings.TrimSpace(string(body))
	query := r.URL.Query()
	return json.Marshal(native{
		ID: query.Get("id"), Source: query.Get("source"), Severity: query.Get("severity"), Subject: query.Get("subject"), Message: text,
	})
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
	n := native{
		Time: e.Time, Source: e.Source, Severity: e.SeverityWord, Subject: e.Subject, Message: e.Message, HostName: e.HostName,
		Links: make(map[string]string),
	}
	if e.Severity != envelope.Unspecified {
		n.Severity = e.Severity.String()
	}
	for _, d := range e.Details {
		n.Message = strings.TrimPrefix(n.Message+"\n"+d.Name+": "+d.Value, "\n")
	}
	for _, l := range e.Links {
		n.Links[cmp.Or(l.Name, "link")] = l.URL
	}
	return json.Marshal(n)
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
	n := native{Source: "payara", EventType: card.Summary}
	var title string
	title, n.Message, _ = strings.Cut(card.Text, "\n")
	place := regexp.MustCompile(`^(.*)\. \(host: (.*?), server: (.*?), domain: (.*?), instance: (.*)\)$`).FindStringSubmatch(title)
	if place == nil {
		n.Subject = title
		return json.Marshal(n)
	}
	n.Subject, n.HostName, n.ServerName, n.DomainName, n.InstanceName = place[1], place[2], place[3], place[4], place[5]
	return json.Marshal(n)
}
