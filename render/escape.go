package render

import (
	"fmt"
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

// unmention breaks up the nicknames in s, so that only we mention people.
func unmention(s string, nicks []string) string {
	for _, nick := range nicks {
		s = breakUp(s, nick)
	}
	return s
}

// breakUp puts a joiner after the first character of every nick in s.
func breakUp(s, nick string) string {
	var b strings.Builder
	from := 0
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		length := foldedPrefix(s[i:], nick)
		if length == 0 {
			i += size
			continue
		}
		b.WriteString(s[from : i+size])
		b.WriteString(joiner)
		from = i + size
		i += length
	}
	if from == 0 {
		return s
	}
	b.WriteString(s[from:])
	return b.String()
}

// foldedPrefix returns the length of nick, in any case, at the start of s, 0 if
// it is not there. Cases may differ in length: the sign for Kelvin is a K.
func foldedPrefix(s, nick string) int {
	at := 0
	for _, want := range nick {
		got, size := utf8.DecodeRuneInString(s[at:])
		if size == 0 || !sameFold(got, want) {
			return 0
		}
		at += size
	}
	return at
}

func sameFold(a, b rune) bool {
	if a == b {
		return true
	}
	for r := unicode.SimpleFold(a); r != a; r = unicode.SimpleFold(r) {
		if r == b {
			return true
		}
	}
	return false
}

// unmentionURL does the same to the path of an address, which must go on
// working: it percent-encodes the first character of every nick there. One in
// the name of the host is left to unmention.
func unmentionURL(url string, nicks []string) string {
	host := strings.Index(url, "://") + len("://")
	slash := strings.IndexByte(url[host:], '/')
	if slash < 0 {
		return url
	}
	path := url[host+slash:]
	for _, nick := range nicks {
		broken := breakUp(path, nick)
		for at := strings.Index(broken, joiner); at > 0; at = strings.Index(broken, joiner) {
			_, size := utf8.DecodeLastRuneInString(broken[:at])
			first := broken[at-size : at]
			broken = broken[:at-size] + percentEncode(first) + broken[at+len(joiner):]
		}
		path = broken
	}
	return url[:host+slash] + path
}

func percentEncode(s string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}
