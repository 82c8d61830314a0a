package envelope

import (
	"cmp"
	"encoding/json"
	"strings"
)

// The limits of what is looked at in a message of an unknown format. What is
// beyond is neither understood nor shown, and still there for templates.
const (
	maxLeaves     = 300
	maxLevels     = 10
	maxNestedJSON = 256 << 10
	maxListed     = 5 // elements of an array of scalars
)

// leaf is a value in the message, and its place.
type leaf struct {
	branch

	value string // JSON: a scalar, or an array of scalars
	used  bool
}

// text is the value as people read it.
func (l *leaf) text() string {
	return strings.TrimPrefix(strings.TrimPrefix(plain(l.value), "refs/heads/"), "refs/tags/")
}

func plain(value string) string {
	switch value[0] {
	case '"':
		return strings.TrimSpace(unquote(value))
	case '[':
		return joined(value)
	case 'n':
		return ""
	}
	return strings.TrimSuffix(value, ".0")
}

// joined is an array of scalars in one line.
func joined(array string) string {
	var parts []string
	for i, element := range elements(array) {
		if i == maxListed {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, plain(element))
	}
	return strings.Join(parts, ", ")
}

// soleValue opens OpenTelemetry's values, like {"stringValue": "x"}, and those
// of MongoDB, like {"$date": "…"}. It returns "" for any other object.
func soleValue(object string) string {
	found := ""
	for name, value := range members(object) {
		if found != "" {
			return ""
		}
		switch name {
		case "stringValue", "intValue", "doubleValue", "boolValue", "$date", "$oid", "$numberLong", "$numberDecimal":
			found = value
		case "arrayValue", "kvlistValue":
			found = memberOf(value, "values")
		default:
			return ""
		}
	}
	return found
}

// bytesOf returns the text that an array of bytes is: journald has those of
// messages with colours so.
func bytesOf(path, array string) string {
	if last(path) != "message" {
		return ""
	}
	var text []byte
	if json.Unmarshal([]byte(array), &text) != nil {
		return ""
	}
	return strings.ToValidUTF8(string(text), "")
}

// listed says what the objects of an array are: the commits of a push by the first
// lines of what they say, and things that have a name, and no value, by that. It
// returns "" for others.
func listed(path, array string) string {
	separator, names := ", ", []string(nil)
	for i, element := range elements(array) {
		name := cmp.Or(memberOf(element, "name"), "null")
		if last(path) == "commits" {
			separator, name = "\n", cmp.Or(memberOf(element, "message"), memberOf(element, "comment"), "null")
		}
		title, _, _ := strings.Cut(strings.TrimSpace(plain(name)), "\n")
		if _, value := pair(element); name[0] != '"' || title == "" || value != "" {
			return ""
		}
		if i == maxListed {
			names = append(names, "…")
			break
		}
		names = append(names, title)
	}
	return strings.Join(names, separator)
}

// pair returns what an object of nothing but a name and a value says, or an
// array of the two.
func pair(object string) (name, value string) {
	if object[0] == '[' {
		return pairOf(object)
	}
	if object[0] != '{' {
		return "", ""
	}
	for key, v := range members(object) {
		switch normal(key) {
		case "key", "name", "title", "label", "tag", "field", "metric", "fieldname":
			if v[0] != '"' {
				return "", ""
			}
			name = unquote(v)
		case "value", "fieldvalue":
			value = v
		case "short", "type", "inline", "tags": // how to show it
		default:
			return "", ""
		}
	}
	if name == "" {
		return "", ""
	}
	return name, value
}

func pairOf(array string) (name, value string) {
	for i, element := range elements(array) {
		switch {
		case i == 0 && element[0] == '"':
			name = unquote(element)
		case i == 1 && element[0] != '[' && element[0] != '{':
			value = element
		default:
			return "", ""
		}
	}
	return name, value
}
