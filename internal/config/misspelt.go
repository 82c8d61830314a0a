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

// Misspelt returns a line for every variable of the environment, a list of
// NAME=value, that looks like a setting with one mistake in its name, that names
// a file for what is no secret, or that has our prefix. Others are none of our
// business: orchestrators set some with the same prefixes.
func Misspelt(environ []string, groups ...Group) []string {
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
		name, _, _ := strings.Cut(variable, "=")
		if slices.Contains(known, name) {
			continue
		}
		fix := ""
		base := strings.TrimSuffix(name, fileSuffix)
		if i := slices.IndexFunc(known, func(k string) bool { return check.OneSlip(name, k) }); i >= 0 {
			fix = "did you mean " + known[i] + "?"
		} else if base != name && slices.Contains(plain, base) {
			fix = "only secrets are read from files, set " + base
		} else if strings.HasPrefix(name, ownPrefix) && !serviceLink.MatchString(variable) {
			fix = "xmpp-notifier help settings lists them"
		}
		if fix != "" {
			lines = append(lines, name+" is set but is no setting: "+fix)
		}
	}
	return lines
}
