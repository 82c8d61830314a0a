package nats

import (
	"slices"
	"strings"
)

// validSubject reports whether s has no empty word, no white space, and
// wildcards only where the broker knows them.
func validSubject(s string) bool {
	words := strings.Split(s, ".")
	for i, word := range words {
		last := i == len(words)-1
		if word == "" || len(word) > 1 && strings.ContainsAny(word, "*>") || word == ">" && !last {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// literal reports whether s is a subject that one can publish to.
func literal(s string) bool {
	return validSubject(s) && !slices.ContainsFunc(strings.Split(s, "."), func(word string) bool { return word == "*" || word == ">" })
}

// overlap reports whether some subject matches both a and b, which may have
// wildcards.
func overlap(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		switch {
		case i >= len(as) || i >= len(bs):
			return false
		case as[i] == ">" || bs[i] == ">":
			return true
		case as[i] != bs[i] && as[i] != "*" && bs[i] != "*":
			return false
		}
	}
	return true
}

// covers reports whether wide matches every subject that narrow matches.
func covers(wide, narrow string) bool {
	ws, ns := strings.Split(wide, "."), strings.Split(narrow, ".")
	for i, word := range ws {
		switch {
		case i >= len(ns):
			return false
		case word == ">":
			return true
		case ns[i] == ">" || word != "*" && word != ns[i]:
			return false
		}
	}
	return len(ws) == len(ns)
}
