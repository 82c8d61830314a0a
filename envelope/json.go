package envelope

import (
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// The functions here read JSON that is known to be valid. Together with
// validJSON they decode an object in two fast passes and with one copy of
// it, where encoding/json takes several times as long and matches names in
// any case, keeps the last of two, and forgets where in the text it was.

// maxQuoted is how many characters of a bad value an error quotes.
const maxQuoted = 64

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

// text returns the string that value is, or says what it is instead.
func text(value string) (string, error) {
	if value[0] != '"' {
		return "", fmt.Errorf("expected a string, got %s", describe(value))
	}
	return unquote(value), nil
}

// unquote returns the string that a JSON string stands for.
func unquote(value string) string {
	raw := value[1 : len(value)-1]
	next := strings.IndexByte(raw, '\\')
	if next < 0 {
		return raw
	}
	if strings.Contains(raw, `\u`) {
		return unquoteUnicode(value)
	}
	var b strings.Builder
	b.Grow(len(raw))
	for ; next >= 0; next = strings.IndexByte(raw, '\\') {
		b.WriteString(raw[:next])
		b.WriteByte(escaped(raw[next+1]))
		raw = raw[next+2:]
	}
	b.WriteString(raw)
	return b.String()
}

// escaped returns the character that c stands for after a backslash.
func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return c // one of " \ /
}

// unquoteUnicode is unquote for all strings.
func unquoteUnicode(value string) string {
	// Go knows all of JSON's escapes but \/ and pairs of surrogates, means
	// the same by them, and undoes them faster.
	s, err := strconv.Unquote(value)
	if err == nil {
		return s
	}
	if err = json.Unmarshal([]byte(value), &s); err != nil {
		return value // cannot happen: it is valid
	}
	return s
}

// number returns the integer that a JSON number or a string of digits is.
func number(value string) (int64, bool) {
	n, err := strconv.ParseInt(strings.Trim(value, `"`), 10, 64)
	return n, err == nil
}

// kindOf names the type of a value in JSON's words.
func kindOf(value string) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	}
	return "number"
}

// scalar returns the text of a string, number or boolean; null is "".
func scalar(value string) (string, error) {
	switch value[0] {
	case '{', '[':
		return "", fmt.Errorf("expected a string, got %s", describe(value))
	case '"':
		return unquote(value), nil
	case 'n':
		return "", nil
	}
	return value, nil
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

// texts returns the strings of an array.
func texts(value string) ([]string, error) {
	if value[0] != '[' {
		return nil, fmt.Errorf("expected an array of strings, got %s", describe(value))
	}
	var list []string
	for i, element := range elements(value) {
		s, err := text(element)
		if err != nil {
			return nil, at(index(i), err)
		}
		list = append(list, s)
	}
	return list, nil
}
