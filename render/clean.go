package render

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// clean makes lines of s that any client shows alike: without control
// characters, terminal colours and spaces at the ends of lines, with "\n"
// between lines, at most one blank line in a row and none around the text.
func clean(s string) string {
	plain := isPlain(s)
	if plain && strings.IndexByte(s, '\n') < 0 {
		return strings.Trim(s, " ")
	}
	if !plain {
		if s = visible(s); isInvisible(s) {
			return ""
		}
	}
	var b strings.Builder
	b.Grow(len(s))
	blank := false
	for line := range strings.SplitSeq(s, "\n") {
		line = strings.TrimRightFunc(line, unicode.IsSpace)
		if line == "" {
			blank = true
			continue
		}
		if b.Len() == 0 {
			line = strings.TrimLeftFunc(line, unicode.IsSpace)
		} else if b.WriteByte('\n'); blank {
			b.WriteByte('\n')
		}
		blank = false
		b.WriteString(line)
	}
	return b.String()
}

// isPlain reports whether s is lines of printable ASCII: most texts are, and
// need less work.
func isPlain(s string) bool {
	for i := range len(s) {
		if (s[i] < ' ' && s[i] != '\n') || s[i] > '~' {
			return false
		}
	}
	return true
}

// maxMarks is how many marks may be on one letter: scripts need five at most,
// and heaps of them cover the lines around.
const maxMarks = 6

// controlSequence is one of a terminal (ECMA-35, ECMA-48): a colour; a string like a
// link or a title up to its terminator, without one only its start, for the rest may be
// a text; a character set and the like.
var controlSequence = regexp.MustCompile(`(?:\x1b\[|\x{9b})[ -?]*[@-~]?` +
	`|(?:\x1b[\]PX^_]|\x{9d})(?:[^\n\a\x1b\x{9c}]*(?:\a|\x1b\\|\x{9c}))?` +
	`|\x1b(?:[ -/]*[0-~])?`)

// visible drops what has no place in a text, and writes all line ends as "\n".
func visible(s string) string {
	if strings.ContainsAny(s, "\x1b\u009b\u009d") {
		s = controlSequence.ReplaceAllString(s, "")
	}
	marks := 0
	return strings.Map(func(r rune) rune {
		if marks++; !unicode.Is(unicode.Mn, r) {
			marks = 0
		}
		switch {
		case isLineEnd(r):
			return '\n'
		case marks > maxMarks || r != '\t' && isHidden(r):
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
}

// isInvisible reports a text of which nobody would see anything.
func isInvisible(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Mn, r) &&
			!unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) && r != '\u2800' // an empty pattern of Braille
	})
}

func isLineEnd(r rune) bool {
	return r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// isHidden reports control characters, what XML forbids, and the invisible
// characters that reorder the text around them, which can make it read as
// something else.
func isHidden(r rune) bool {
	return unicode.IsControl(r) || r == '\uFEFF' || r == '\uFFFE' || r == '\uFFFF' ||
		'\u202A' <= r && r <= '\u202E' || '\u2066' <= r && r <= '\u2069'
}

// oneLine squeezes s into a single line.
func oneLine(s string) string {
	s = clean(s)
	if !strings.ContainsAny(s, "\n\t") && !strings.Contains(s, "  ") {
		return strings.TrimSpace(s)
	}
	return strings.Join(strings.Fields(s), " ")
}

// cut shortens a text to the limits of c, and says by how much.
func (c Config) cut(s string) string { return c.cutMore(s, 0) }

// cutMore does so for a text of which more bytes have been cut already.
func (c Config) cutMore(s string, more int) string {
	end := cut.At(s, c.MaxBytes)
	at := 0
	for range c.MaxLines {
		next := strings.IndexByte(s[at:end], '\n')
		if next < 0 {
			at = end
			break
		}
		at += next + 1
	}
	kept := strings.TrimRightFunc(s[:at], unicode.IsSpace)
	if at == len(s) && more == 0 {
		return s
	}
	return fmt.Sprintf("%s\n… (cut, %d more bytes)", kept, len(s)-len(kept)+more)
}
