package config

import (
	"regexp"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// ownPrefix is that of variables that nobody else has.
const ownPrefix = "XMPP_"

// serviceLink is a variable that Kubernetes sets for a service of that name.
var serviceLink = regexp.MustCompile(`_SERVICE_(HOST|PORT)|=(tcp|udp|sctp)://|_PORT_\d+_(TCP|UDP|SCTP)`)

// quoted is a value that is one word between quotes.
var quoted = regexp.MustCompile(`^("[^"'\s{]*"|'[^"'\s{]*')$`)

// Suspicious returns a line for every variable of the environment, a list of
// NAME=value, that looks like a setting with one mistake in its name, that names
// a file for what is no secret, or that has our prefix. Others are none of our
// business: orchestrators set some with the same prefixes. It also returns a line for
// every setting whose quotes are part of its value: docker run --env-file does not take
// them off.
func Suspicious(environ []string, groups ...Group) []string {
	var known, plain []string
	for _, s := range Describe(groups...) {
		known = append(known, s.Name)
		if s.Type == typeSecret {
			known = append(known, s.Name+fileSuffix)
		} else {
			plain = append(plain, s.Name)
		}
	}
	var lines []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		base := strings.TrimSuffix(name, fileSuffix)
		similar := slices.IndexFunc(known, func(k string) bool { return check.OneSlip(name, k) })
		const noSetting = " is set but is no setting: "
		switch {
		case slices.Contains(known, name):
			if quoted.MatchString(value) {
				lines = append(lines, name+" begins and ends with a quote, which is part of its value: remove both (a file for docker run --env-file has none)")
			}
		case similar >= 0:
			lines = append(lines, name+noSetting+"did you mean "+known[similar]+"?")
		case base != name && slices.Contains(plain, base):
			lines = append(lines, name+noSetting+"only secrets are read from files, set "+base)
		case strings.HasPrefix(name, ownPrefix) && !serviceLink.MatchString(variable):
			lines = append(lines, name+noSetting+"xmpp-notifier help settings lists them")
		}
	}
	return lines
}
