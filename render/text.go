package render

import (
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// Text returns the default text of e, plain and never empty: severity and
// title on the first line, then the message, links, and where and when it
// happened.
//
//	🔴 CRITICAL Disk full on db-1
//	/var/lib/postgresql is at 100 %
//	→ runbook https://wiki.example.org/disk-full
//	— disk-watch · db-1.example.org · 2026-03-29 11:05:00 UTC
//
// What is absent takes no space, and nothing is said twice. Long texts are
// cut, with a mark that says so.
func Text(e envelope.Envelope) string { return defaults().text(&e) }

// text returns the text of e in the style of c.
func (c Config) text(e *envelope.Envelope) string {
	if c.Style == stylePayara {
		return c.payara(e)
	}
	var b strings.Builder
	b.Grow(256 + min(len(e.Message), c.MaxBytes))
	title, text := c.content(e)
	mark := mark(e)
	head := strings.TrimSuffix(mark+" "+title, " ")
	switch {
	case mark == "":
		head = title
	case title == "": // the text follows the mark
		first, rest, _ := strings.Cut(text, "\n")
		head, text = head+" "+first, rest
	}
	b.WriteString(c.headline(head))
	if b.Len() > 0 && text != "" {
		b.WriteByte('\n')
	}
	b.WriteString(text)
	c.writeLinks(&b, e)
	c.writeOrigin(&b, e)
	return b.String()
}

// safe takes away what user data could mean to a client, and secrets.
func (c Config) safe(s string) string { return c.unmention(escape(withoutSecrets(s))) }

// headline makes the first line. One with an asterisk of its own is not styled:
// that would end the style.
func (c Config) headline(line string) string {
	line = c.safe(line)
	if c.Style == styleStyled && line != "" && !strings.Contains(line, "*") {
		return "*" + strings.TrimPrefix(line, joiner) + "*"
	}
	return line
}

// mark is a word, for every client and every eye, and a colour to find it by.
func mark(e *envelope.Envelope) string {
	switch {
	case e.State == envelope.Resolved:
		return "✅ RESOLVED"
	case e.Severity != envelope.Unspecified:
		return marks[e.Severity.String()]
	case e.SeverityWord != "":
		return ownWord(e)
	case e.State == envelope.Firing:
		return "🔔 FIRING"
	}
	return ""
}

// ownWord is a severity in the publisher's own word.
func ownWord(e *envelope.Envelope) string {
	colour := "⚪ "
	if e.State == envelope.Firing {
		colour = "🔔 "
	}
	return colour + cut.Line(oneLine(e.SeverityWord), maxWordBytes)
}

// marks are those of severities, by their names.
var marks = map[string]string{ //nolint:gochecknoglobals // a constant table
	"fatal": "🔴 FATAL", "alert": "🔴 ALERT", "critical": "🔴 CRITICAL", "error": "🟠 ERROR", "warning": "🟡 WARNING",
	"notice": "🔵 NOTICE", "info": "🔵 INFO", "debug": "⚪ DEBUG", "trace": "⚪ TRACE",
}

// content returns the title of one line, if there is a text below it, and the
// text. Many publishers repeat the subject in the message.
func (c Config) content(e *envelope.Envelope) (title, text string) {
	if len(e.Members) > 0 {
		return cut.Line(oneLine(e.Subject), maxTitleBytes), c.members(e)
	}
	title, text = oneLine(e.Subject), messageText(e.Message)
	if text == "" && e.Details == nil {
		text = dataText(e.Data)
	}
	if title != "" && text != "" && title[0] == text[0] && title == oneLine(text) {
		title = ""
	} else if rest, ok := strings.CutPrefix(text, title+"\n"); ok && len(title) <= maxTitleBytes {
		text = strings.TrimLeft(rest, "\n")
	}
	text = strings.Trim(text+"\n"+detailLines(e.Details), "\n")
	switch {
	case title == "" && text == "":
		return "", noText
	case text == "":
		return "", c.body(title)
	}
	return cut.Line(title, maxTitleBytes), c.body(text)
}

// detailLines returns the lines of names and values.
func detailLines(details []envelope.Detail) string {
	var b strings.Builder
	for _, d := range details {
		if value := cut.Line(oneLine(bound(d.Value)), maxDataValue); value != "" {
			b.WriteString("\n" + cut.Line(oneLine(d.Name), maxPartBytes) + ": " + value)
		}
	}
	return strings.TrimLeft(b.String(), "\n")
}

// body makes a text safe and cuts it. What is cut anyway is not looked at.
func (c Config) body(text string) string {
	end := cut.At(text, c.MaxBytes)
	return c.cutMore(c.safe(text[:end]), len(text)-end)
}

// writeLinks adds the most useful links that are not in the text, each on a
// line of its own.
func (c Config) writeLinks(b *strings.Builder, e *envelope.Envelope) {
	count := 0
	for _, link := range e.Links {
		url := oneLine(link.URL)
		if count == maxLinks || !isWeb(url) || strings.Contains(b.String(), url) {
			continue
		}
		count++
		b.WriteString("\n→ ")
		b.WriteString(c.safe(strings.TrimLeft(cut.Line(oneLine(link.Name), maxPartBytes)+" "+c.unmentionURL(url), " ")))
	}
}

// isWeb reports addresses that are worth a tap.
func isWeb(url string) bool {
	return len(url) <= maxURLBytes && !strings.ContainsAny(url, " \t") &&
		(strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://"))
}

// writeOrigin adds the line that says where and when.
func (c Config) writeOrigin(b *strings.Builder, e *envelope.Envelope) {
	var parts [6]string
	origin := parts[:0]
	for _, part := range [...]string{e.Source, e.HostName, e.ServerName, e.InstanceName, e.DomainName} {
		part = cut.Line(oneLine(part), maxPartBytes)
		same := func(s string) bool { return strings.EqualFold(s, part) }
		if part != "" && !slices.ContainsFunc(origin, same) {
			origin = append(origin, part)
		}
	}
	if !e.Time.IsZero() {
		origin = append(origin, e.Time.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if len(origin) > 0 {
		b.WriteString("\n— ")
		b.WriteString(c.safe(strings.Join(origin, " · ")))
	}
}
