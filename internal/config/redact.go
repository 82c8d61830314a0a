package config

import (
	"regexp"
	"slices"
	"strings"
)

// Redact masks the secrets that people put into addresses: the user part of
// scheme://user:password@host, or of user:password@host, and the values of
// parameters like ?token=.
func Redact(text string) string {
	text = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^\s,"]*@`).ReplaceAllString(text, "${1}"+mask+"@")
	text = regexp.MustCompile(`(^|[\s,"])[^/\s,":@]+:[^/\s,"]*@`).ReplaceAllString(text, "${1}"+mask+"@")
	return regexp.MustCompile(`(?i)([?&](?:[a-z0-9_.-]*(?:token|passw|secret|key|auth|sig|cred)[a-z0-9_.-]*|pass|pwd)=)[^&#\s,"]*`).
		ReplaceAllString(text, "${1}"+mask)
}

// redactList masks the secrets in a list. Where one item has a user part, the
// others are parts of it or have one as well: a password may have a comma.
func redactList(items []string) string {
	masked := slices.Clone(items)
	addresses := slices.ContainsFunc(items, func(item string) bool { return strings.Contains(item, "://") || Redact(item) != item })
	for i, item := range items {
		if at := strings.LastIndex(item, "@"); addresses && at >= 0 {
			scheme, _, found := strings.Cut(item, "://")
			if found {
				scheme += "://"
			} else {
				scheme = ""
			}
			item = scheme + mask + item[at:]
		}
		masked[i] = Redact(item)
	}
	return strings.Join(masked, ",")
}

// redacted is an error that quotes what an operator has written.
type redacted struct{ error }

func (e redacted) Error() string { return Redact(e.error.Error()) }

func (e redacted) Unwrap() error { return e.error }
