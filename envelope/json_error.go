package envelope

import "strconv"

// maxQuoted is how many characters of a bad value an error quotes.
const maxQuoted = 64

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
