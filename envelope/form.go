package envelope

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// formBody is the shape of what a web form sends.
var formBody = regexp.MustCompile(`^[\w.%-]+=[^&\s=]*(&[\w.%-]+=[^&\s=]*)*$`)

// form returns a JSON object of a web form, nil if body is none. What has neither an
// escape nor three pairs may be any text.
func form(body string) []string {
	if !strings.Contains(body, "%") && strings.Count(body, "&") < 2 || !formBody.MatchString(body) {
		return nil
	}
	values, err := url.ParseQuery(body)
	if err != nil || len(values) > maxMembers {
		return nil
	}
	var list []member
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, member{name, quoteJSON(values.Get(name))})
	}
	return []string{objectOf(list)}
}
