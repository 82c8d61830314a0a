// Package cut shortens and wraps texts that people read.
package cut

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line cuts a single line, with a mark.
func Line(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.TrimRightFunc(s[:At(s, limit)], unicode.IsSpace) + "…"
}

// At returns the greatest place up to limit that splits no character and no password of an
// address: half of one is not recognised, and would be shown.
func At(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	const scheme = "://"
	if at := strings.LastIndex(s[:limit], scheme); at >= 0 {
		at += len(scheme)
		if host := s[at:limit]; strings.Contains(host, ":") && !strings.ContainsAny(host, "/ \t\r\n\"<>") {
			return at
		}
	}
	return limit
}

// Wrap breaks lines that are longer than width characters between words.
func Wrap(text string, width int) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		for utf8.RuneCountInString(line) > width {
			head := string([]rune(line)[:width+1])
			space := strings.LastIndexByte(head, ' ')
			if strings.TrimSpace(head[:max(space, 0)]) == "" { // it begins with a long word
				next := strings.IndexByte(line[len(head):], ' ')
				if next < 0 {
					break
				}
				space = len(head) + next
			}
			lines = append(lines, line[:space])
			line = line[space+1:]
		}
		lines = append(lines, line)
	}
	return lines
}
