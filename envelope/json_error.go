package envelope

import (
	"errors"
	"strconv"
)

// maxQuoted is how many characters of a bad value an error quotes.
const maxQuoted = 64

// placeError says where in the JSON an error is.
type placeError struct {
	path string
	err  error
}

func (e *placeError) Error() string { return e.path + ": " + e.err.Error() }

func (e *placeError) Unwrap() error { return e.err }

// at says that err, if it is one, is in the member or element name.
func at(name string, err error) error {
	if err == nil {
		return nil
	}
	name = shorten(name)
	inner, ok := errors.AsType[*placeError](err)
	switch {
	case !ok:
		return &placeError{name, err}
	case inner.path[0] == '[':
		return &placeError{name + inner.path, inner.err}
	default:
		return &placeError{name + "." + inner.path, inner.err}
	}
}

// index is the path of an element.
func index(i int) string { return "[" + strconv.Itoa(i) + "]" }

// describe is what an error says of a value of the wrong type.
func describe(value string) string {
	switch kind := kindOf(value); kind {
	case "object", "array", "null":
		return kind
	default:
		return kind + " " + shorten(value)
	}
}

// quote returns s in quotes and cut to what fits an error.
func quote(s string) string {
	return strconv.Quote(shorten(s))
}

// shorten cuts s to what fits an error, between characters.
func shorten(s string) string {
	count := 0
	for at := range s {
		if count == maxQuoted {
			return s[:at] + "…"
		}
		count++
	}
	return s
}
