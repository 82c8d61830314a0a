package envelope

import (
	"iter"
	"strings"
)

// The functions here read JSON that json.Valid has taken: the members of an
// object in their order, and without making values of what is only passed on.

// members yields the members of object in their order, values as they are
// written.
func members(object string) iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		at := skipSpace(object, 0) + 1 // the opening brace
		for {
			at = skipSpace(object, at)
			if object[at] == '}' {
				return
			}
			if object[at] == ',' {
				at = skipSpace(object, at+1)
			}
			end := endOfString(object, at)
			name := unquote(object[at:end])
			at = skipSpace(object, skipSpace(object, end)+1) // the colon
			end = endOfValue(object, at)
			if !yield(name, object[at:end]) {
				return
			}
			at = end
		}
	}
}

func skipSpace(s string, at int) int {
	for s[at] == ' ' || s[at] == '\t' || s[at] == '\r' || s[at] == '\n' {
		at++
	}
	return at
}

// endOfString returns the place after the string that begins at s[at].
func endOfString(s string, at int) int {
	for at++; s[at] != '"'; at++ {
		if s[at] == '\\' {
			at++
		}
	}
	return at + 1
}

// endOfValue returns the place after the value that begins at s[at].
func endOfValue(s string, at int) int {
	switch s[at] {
	case '"':
		return endOfString(s, at)
	case '{', '[':
		return endOfNested(s, at)
	}
	return at + strings.IndexAny(s[at:], ",}] \t\r\n")
}

// endOfNested returns the place after the object or array that begins at s[at].
func endOfNested(s string, at int) int {
	for depth := 0; ; at++ {
		switch s[at] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		case '"':
			at = endOfString(s, at) - 1
		}
	}
}

// memberOf returns the value of the member with that name, "" if there is none, or
// value is no object.
func memberOf(value, name string) string {
	if value == "" || value[0] != '{' {
		return ""
	}
	for n, v := range members(value) {
		if n == name {
			return v
		}
	}
	return ""
}

// elements yields the elements of a valid array, as they are written.
func elements(array string) iter.Seq2[int, string] {
	return func(yield func(i int, value string) bool) {
		at := skipSpace(array, 0) + 1 // the opening bracket
		for i := 0; ; i++ {
			at = skipSpace(array, at)
			if array[at] == ']' {
				return
			}
			if array[at] == ',' {
				at = skipSpace(array, at+1)
			}
			end := endOfValue(array, at)
			if !yield(i, array[at:end]) {
				return
			}
			at = end
		}
	}
}
