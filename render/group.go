package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// maxMemberBytes bounds the line of one notification in a group.
const maxMemberBytes = 200

// members returns the lines of the notifications in a group, as many as the
// limits allow, and what the others are.
func (c Config) members(e *envelope.Envelope) string {
	var b strings.Builder
	for i := range e.Members {
		line := c.member(&e.Members[i], e)
		last := i == len(e.Members)-1
		if i+1 == c.MaxLines && !last || b.Len()+len(line) > c.MaxBytes {
			return strings.TrimPrefix(b.String()+"\n"+more(e.Members[i:]), "\n")
		}
		b.WriteString("\n" + line)
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// more says what is not listed.
func more(list []envelope.Envelope) string {
	text := fmt.Sprintf("… and %d more", len(list))
	if countMembers(list, func(e *envelope.Envelope) bool { return e.State != "" }) > 0 {
		text += ": " + envelope.Count(list)
	}
	return text
}

// member is one notification of a group in one line: the colour of its mark, its
// title, and what tells it from the others.
func (c Config) member(e, group *envelope.Envelope) string {
	subject, difference := oneLine(strings.TrimPrefix(e.Subject, group.Labels["alertname"]+": ")), oneLine(e.Difference(group))
	switch same := func(other *envelope.Envelope) bool { return other.Subject == e.Subject }; {
	case subject == "" || strings.Contains(group.Subject, subject) && difference != "":
		subject = difference
	case difference != "" && countMembers(group.Members, same) > 1:
		subject += " (" + difference + ")"
	}
	subject = cmp.Or(subject, oneLine(dataText(e.Data)), noText)
	return c.safe(colour(e) + " " + cut.Line(subject, maxMemberBytes))
}

func countMembers(list []envelope.Envelope, is func(*envelope.Envelope) bool) (count int) {
	for i := range list {
		if is(&list[i]) {
			count++
		}
	}
	return count
}
