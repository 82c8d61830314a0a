package render

import "strings"

// maxControlString bounds what a control string of a terminal can hide.
const maxControlString = 2000

// escapeSequence returns the length of the terminal's control sequence at the
// beginning of s (ECMA-35, ECMA-48): a colour, a character set, a link, a title.
func escapeSequence(s string) int {
	for _, csi := range [...]string{"\x1b[", "\u009b"} {
		if strings.HasPrefix(s, csi) {
			return controlSequence(s, len(csi))
		}
	}
	for _, start := range [...]string{"\x1b]", "\x1bP", "\x1bX", "\x1b^", "\x1b_", "\u009d"} {
		if strings.HasPrefix(s, start) {
			return controlString(s, len(start))
		}
	}
	// ESC, intermediate characters, a final one.
	at := 1
	for at < len(s) && ' ' <= s[at] && s[at] <= '/' {
		at++
	}
	if at < len(s) && '0' <= s[at] && s[at] <= '~' {
		return at + 1
	}
	return 1
}

// controlSequence returns the end of the parameters that begin at s[at], and of
// the character that says what they are for.
func controlSequence(s string, at int) int {
	for ; at < len(s); at++ {
		if s[at] < ' ' || s[at] > '?' {
			if '@' <= s[at] && s[at] <= '~' {
				return at + 1
			}
			return at
		}
	}
	return at
}

// controlString returns the end of a string up to its terminator. Without one
// only its start goes: the rest may be a text.
func controlString(s string, at int) int {
	for end := at; end < len(s) && end < at+maxControlString && s[end] != '\n'; end++ {
		for _, terminator := range [...]string{"\a", "\x1b\\", "\u009c"} {
			if strings.HasPrefix(s[end:], terminator) {
				return end + len(terminator)
			}
		}
	}
	return at
}
