package config

import (
	"regexp"
	"slices"
	"strings"
)

// quoted is a value that is one word between quotes.
var quoted = regexp.MustCompile(`^("[^"'\s{]*"|'[^"'\s{]*')$`)

// Quoted returns a line for every setting of the environment, a list of NAME=value,
// whose quotes are part of its value: docker run --env-file does not take them off.
func Quoted(environ []string, groups ...Group) []string {
	var known []string
	for _, s := range Describe(groups...) {
		known = append(known, s.Name, s.Name+fileSuffix)
	}
	var lines []string
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		if quoted.MatchString(value) && slices.Contains(known, name) {
			lines = append(lines, name+" begins and ends with a quote, which is part of its value: remove both (a file for docker run --env-file has none)")
		}
	}
	return lines
}
