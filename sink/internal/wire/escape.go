package wire

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxReference is the length of the longest character reference that is
// looked for, "&#x10FFFF;" with leading zeros to spare.
const maxReference = 12

// reference returns the character that the reference at the start of b stands
// for, and its length; 0 if it is none.
func reference(b []byte) (rune, int) {
	end := bytes.IndexByte(b[:min(len(b), maxReference)], ';')
	if end < 2 {
		return 0, 0
	}
	switch ref := string(b[1:end]); ref {
	case "lt":
		return '<', end + 1
	case "gt":
		return '>', end + 1
	case "amp":
		return '&', end + 1
	case "quot":
		return '"', end + 1
	case "apos":
		return '\'', end + 1
	default:
		if r := numeric(ref); r != 0 {
			return r, end + 1
		}
		return 0, 0
	}
}

// numeric returns the character of "#38" or "#x26", 0 if it is no legal one.
func numeric(ref string) rune {
	if ref[0] != '#' || len(ref) < 2 {
		return 0
	}
	digits, base := ref[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 21) // every character has 21 bits at most
	if err != nil || !legal(rune(n)) {
		return 0
	}
	return rune(n)
}

// Escape makes s fit for XML element content and for attribute values. Illegal
// characters become U+FFFD.
func Escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// AppendText appends s to dst as XML element content, and stops before dst
// would be longer than limit bytes. It appends whole characters and reports
// whether all of s fit.
//
// What XML 1.0 cannot carry (control characters, invalid UTF-8) becomes
// U+FFFD: one such byte would make the server kill the stream. Quotes stay as
// they are, so the result does not belong in an attribute.
func AppendText(dst []byte, s string, limit int) ([]byte, bool) {
	plain := 0 // s[plain:i] needs no escape and is not yet appended
	size := len(dst)
	for i := 0; i < len(s); {
		esc, width := replacement(s[i:])
		grow := width
		if esc != "" {
			grow = len(esc)
		}
		if size+grow > limit {
			return append(dst, s[plain:i]...), false
		}
		size += grow
		if esc != "" {
			dst = append(append(dst, s[plain:i]...), esc...)
			plain = i + width
		}
		i += width
	}
	return append(dst, s[plain:]...), true
}

// replacement returns the replacement of the first character of s, "" if it can
// stay, and its width in s.
func replacement(s string) (string, int) {
	if c := s[0]; c < utf8.RuneSelf {
		return asciiEscapes[c], 1
	}
	r, width := utf8.DecodeRuneInString(s)
	if r == utf8.RuneError && width == 1 || !legal(r) {
		return "\uFFFD", width
	}
	return "", width
}

// legal reports whether XML 1.0 can carry r (production Char).
func legal(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' ||
		r >= ' ' && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= utf8.MaxRune
}

// asciiEscapes is indexed by the character; "" stays as it is. CR is written
// as a reference because parsers turn a raw one into LF.
var asciiEscapes = func() (table [utf8.RuneSelf]string) { //nolint:gochecknoglobals // a constant table
	for c := range ' ' {
		if !legal(c) {
			table[c] = "\uFFFD"
		}
	}
	table['\r'] = "&#13;"
	table['&'] = "&amp;"
	table['<'] = "&lt;"
	table['>'] = "&gt;"
	return table
}()
