package envelope

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// understand makes notifications of an object that is of no known format.
func (m *message) understand() []Envelope {
	open := part{m.members, len(m.members)}.parts(0)
	if len(open) > maxParts { // Decode says so
		return make([]Envelope, len(open))
	}
	list := make([]Envelope, 0, len(open))
	for i, p := range open {
		e := read(p, m.words, m.knowledge)
		m.finish(&e, i)
		list = append(list, e)
	}
	return list
}

// finish gives a notification its identity, and a title if it has no text.
func (m *message) finish(e *Envelope, part int) {
	if e.ID != "" && m.knowledge != isNotification {
		e.ID = m.identity(e, part)
	}
	if e.Subject == "" && e.Message == "" && len(e.Details) > 0 && m.knowledge != isTitled {
		e.Subject = m.From.Topic
	}
	if !e.showable() && e.State != "" { // PagerDuty's resolve has nothing but the key
		e.Subject = cmp.Or(e.Fingerprint, e.HostName, e.Source)
	}
}

// reminderStep is how long the same message about the same thing counts as a
// copy. What comes later is a reminder.
const reminderStep = time.Hour

// identity of what nobody specified: a member called id may name the event, or
// what it is about. So the same id means the same notification only if all else
// is the same, too, and it was not published again hours later.
func (m *message) identity(e *Envelope, part int) string {
	if m.sum == "" {
		sum := sha256.Sum256([]byte(m.body))
		m.sum = hex.EncodeToString(sum[:8])
	}
	return e.ID + "/" + m.sum + "/" + strconv.Itoa(part) + reminder(m.From.Time, e.Time)
}

// reminder numbers the hours since something began, "" for the first one. Half an
// hour early and late belong to it, so that clocks that differ, and the waiting
// of Alertmanager, do not make two of one.
func reminder(published, began time.Time) string {
	if published.IsZero() {
		return ""
	}
	if began.IsZero() {
		began = time.Unix(0, 0)
	}
	n := int64(published.Sub(began)+reminderStep/2) / int64(reminderStep)
	if n <= 0 {
		return ""
	}
	return "/" + strconv.FormatInt(n, 10)
}

// array decodes an array of messages. One that cannot be read does not keep the
// others from being shown.
func (m *message) array(decode func(*message) ([]Envelope, error)) (list []Envelope) {
	for i, element := range elements(m.body) {
		if len(list) > maxParts { // Decode says so
			break
		}
		more, err := decode(m.inner(element))
		if err != nil {
			more = []Envelope{unreadable(i, element, err)}
		}
		list = append(list, more...)
	}
	return list
}

// inner is a message within m: a JSON value.
func (m *message) inner(value string) *message {
	inner := &message{Raw: m.Raw, words: m.words, parsed: true, body: value, kind: value[0]}
	if inner.kind == '{' {
		inner.members = membersOf(value)
	}
	return inner
}

// decodeElement decodes one element of an array like a message of its own.
func decodeElement(m *message) ([]Envelope, error) {
	switch m.kind {
	case '{':
		return decodeObject(m)
	case 'n', '[':
		return nil, fmt.Errorf("expected an object, got %s", describe(m.body))
	}
	return []Envelope{{Message: plain(m.body)}}, nil
}

// unreadable tells of a part of a message that cannot be read, so that the
// others are not lost with it.
func unreadable(i int, value string, err error) Envelope {
	const most = 500
	return Envelope{
		Subject: "Part " + strconv.Itoa(i+1) + " of a message cannot be read: " + err.Error(),
		Message: strings.ToValidUTF8(value[:min(len(value), most)], ""),
	}
}

func counted(n int) string { return strconv.Itoa(n) + " entries" }
