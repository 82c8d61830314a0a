package render

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// joiner is U+2060, which nobody sees. Before a character that would mean
// something to a client it takes that meaning away, and what people copy out
// of the message still reads the same.
const joiner = "\u2060"

// escape takes away what a text could mean to a client (XEP-0393, XEP-0245):
// styled words, quotes, blocks of code, and lines that speak as the sender.
func escape(s string) string {
	if !strings.ContainsAny(s, directives) && !beginsLine(s, ">") && !beginsLine(s, "/me") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 4*len(joiner))
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, ">") || strings.HasPrefix(line, "```") || isAction(line) {
			b.WriteString(joiner)
		}
		escapeSpans(&b, line)
	}
	return b.String()
}

// beginsLine reports whether a line of s begins with prefix.
func beginsLine(s, prefix string) bool {
	return strings.HasPrefix(s, prefix) || strings.Contains(s, "\n"+prefix)
}

// isAction reports a line that clients show as an action of the sender.
func isAction(line string) bool {
	rest, found := strings.CutPrefix(line, "/me")
	return found && (rest == "" || strings.TrimLeftFunc(rest, unicode.IsSpace) != rest)
}

// escapeSpans breaks up what would be a styled span: directives at the start of
// a word, one of which ends a word later in the line.
func escapeSpans(b *strings.Builder, line string) {
	if !strings.ContainsAny(line, directives) {
		b.WriteString(line)
		return
	}
	closing := closings(line)
	from := 0
	start := true // of a word
	for i := range len(line) {
		c := line[i]
		kind := strings.IndexByte(directives, c)
		if start && kind >= 0 && closing[kind] > i+1 && !isSpace(line[i+1]) {
			b.WriteString(line[from:i])
			b.WriteString(joiner)
			from = i
			start = false // nor is what follows at the start of a word now
			continue
		}
		start = isSpace(c) || start && kind >= 0 || c >= utf8.RuneSelf && endsInSpace(line[:i+1])
	}
	b.WriteString(line[from:])
}

// directives begin and end styled spans.
const directives = "*_~`"

// closings returns the last place of each directive where it could end a span.
func closings(line string) (last [len(directives)]int) {
	for i := 1; i < len(line); i++ {
		if kind := strings.IndexByte(directives, line[i]); kind >= 0 && !isSpace(line[i-1]) {
			last[kind] = i
		}
	}
	return last
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' }

// endsInSpace reports whether the last character is a space beyond ASCII.
func endsInSpace(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsSpace(r)
}

// nickPatterns find the nicknames of MENTION in any case.
func nickPatterns(nicks []string) (list []*regexp.Regexp) {
	for _, nick := range nicks {
		list = append(list, regexp.MustCompile("(?i)"+regexp.QuoteMeta(nick)))
	}
	return list
}

// unmention breaks up the nicknames in s, so that only we mention people.
func (c Config) unmention(s string) string {
	return c.eachNick(s, func(first, rest string) string { return first + joiner + rest })
}

// unmentionURL does the same to the path of an address, which must go on
// working: it percent-encodes the first character of every nick there. One in
// the name of the host is left to unmention.
func (c Config) unmentionURL(url string) string {
	host := strings.Index(url, "://") + len("://")
	slash := strings.IndexByte(url[host:], '/')
	if slash < 0 {
		return url
	}
	return url[:host+slash] + c.eachNick(url[host+slash:], func(first, rest string) string {
		return strings.ReplaceAll(fmt.Sprintf(" % X", first), " ", "%") + rest
	})
}

// eachNick replaces the nicknames in s, given their first character and the rest.
func (c Config) eachNick(s string, with func(first, rest string) string) string {
	for _, nick := range c.nicks {
		s = nick.ReplaceAllStringFunc(s, func(found string) string {
			_, size := utf8.DecodeRuneInString(found)
			return with(found[:size], found[size:])
		})
	}
	return s
}
