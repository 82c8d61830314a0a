package envelope

import (
	"regexp"
	"strconv"
	"strings"
)

// The two kinds of syslog messages as text, without the priority before them:
// RFC 5424, and what RFC 3164 found.
var (
	syslog5424 = regexp.MustCompile(`^1 (\S+) (\S+) (\S+) (\S+) (\S+) (-|(?:\[(?:[^\]\\]|\\.)*\])+) ?`)
	syslog3164 = regexp.MustCompile(`^((?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)|(?:\d{4}-\d\d-\d\dT\S+)) (\S+) ([^\s\[:]+)(?:\[\d+\])?: `)
)

// setSyslog takes what is before the text of a syslog message, and returns the
// text. What is no syslog message stays as it is.
func (e *Envelope) setSyslog(body string) string {
	number, rest, found := strings.Cut(strings.TrimPrefix(body, "<"), ">")
	const most = 191
	priority, err := strconv.Atoi(number)
	if hasPriority := found && body[0] == '<' && err == nil && priority >= 0 && priority <= most; hasPriority {
		e.Severity, _ = syslogSteps.of(strconv.Itoa(priority % 8))
	} else {
		rest = body
	}
	if m := syslog5424.FindStringSubmatch(rest); m != nil && rest != body {
		e.Time, _ = anyTime(m[1])
		e.HostName, e.Source = known(m[2]), known(m[3])
		return strings.TrimPrefix(rest[len(m[0]):], "\uFEFF")
	}
	if m := syslog3164.FindStringSubmatch(rest); m != nil {
		e.Time, _ = anyTime(m[1]) // with a year, if there is one
		e.HostName, e.Source = m[2], m[3]
		return rest[len(m[0]):]
	}
	if rest != body && rest != "" {
		return strings.TrimSpace(rest)
	}
	return body
}

// known is a field that is not nil.
func known(field string) string { return strings.TrimPrefix(field, "-") }

// logfmt returns a JSON object of a line like level=error msg="db refused", nil
// if it is none.
func logfmt(line string) []string {
	const least = 2
	hasText, list := false, []member(nil)
	if strings.Contains(line, "\n") {
		return nil
	}
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeft(line, " ") {
		name, rest, found := strings.Cut(line, "=")
		if !found || name == "" || strings.ContainsAny(name, " \"") || len(list) == maxMembers {
			return nil
		}
		value, after := logfmtValue(rest)
		list = append(list, member{name, quoteJSON(value)})
		hasText, line = hasText || logfmtTexts[normal(name)], after
	}
	if len(list) < least || !hasText {
		return nil
	}
	return []string{objectOf(list)}
}

// logfmtTexts are the names of which one is in every such line.
var logfmtTexts = setOf("msg message level lvl severity") //nolint:gochecknoglobals // a constant table

// logfmtValue takes a word, or a text in quotes.
func logfmtValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		if quoted, err := strconv.QuotedPrefix(s); err == nil {
			value, _ = strconv.Unquote(quoted)
			return value, s[len(quoted):]
		}
	}
	value, rest, _ = strings.Cut(s, " ")
	return value, rest
}
