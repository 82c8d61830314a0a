// Package subject compares NATS subjects, which may have wildcards.
package subject

import (
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Valid reports whether s has no empty word, no white space, and
// wildcards only where the broker knows them.
func Valid(s string) bool {
	words := strings.Split(s, ".")
	for i, word := range words {
		last := i == len(words)-1
		if word == "" || len(word) > 1 && strings.ContainsAny(word, "*>") || word == ">" && !last {
			return false
		}
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// Literal reports whether s is a subject that one can publish to.
func Literal(s string) bool {
	return Valid(s) && !slices.ContainsFunc(strings.Split(s, "."), func(word string) bool { return word == "*" || word == ">" })
}

// Overlap reports whether some subject matches both a and b, which may have
// wildcards.
func Overlap(a, b string) bool {
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

// Covers reports whether wide matches every subject that narrow matches.
func Covers(wide, narrow string) bool {
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

// Validate reports what is wrong with a setting that lists subjects. It refuses
// those that overlap: the broker takes no such filters, and without JetStream it
// would deliver twice what is in both.
func Validate(setting string, subjects []string) []error {
	var errs check.Faults
	for i, subject := range subjects {
		errs.Add(!Valid(subject), "use words joined by dots", "%s has the entry %q, which is no subject", setting, subject)
		for _, other := range subjects[:i] {
			errs.Add(Valid(subject) && Overlap(subject, other), "keep the wider one", "%s has the entries %q and %q, which overlap", setting, other, subject)
		}
	}
	return errs
}
