package envelope

import (
	"encoding/base64"
	"encoding/json"
	"strings"
)

// The limits of what is looked at in a message of an unknown format. What is
// beyond is neither understood nor shown, and still there for templates.
const (
	maxLeaves     = 300
	maxLevels     = 8
	maxNestedJSON = 256 << 10
	maxListed     = 5 // elements of an array of scalars
)

// leaf is a value in the message and the way to it.
type leaf struct {
	// name is what people see, as the publisher writes it.
	name string
	// path has the names of all members on the way, as normal makes them.
	path string
	// value is JSON: a scalar, or an array of scalars.
	value string
	depth int
	// distance is how many members on the way are none that hold the content, and
	// secondary says that one of them tells of something else.
	distance  int
	secondary bool
	// hidden says that it is never shown by itself.
	hidden bool
	// outer says that it is what several notifications of a message share.
	outer bool
	used  bool
}

// text is the value as people read it.
func (l *leaf) text() string { return plain(l.value) }

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

// tree collects the leaves of a message.
type tree struct {
	leaves []leaf
	// paragraphs are the texts of cards and blocks, in their order.
	paragraphs []string
}

// branch is a place in the message.
type branch struct {
	name, path      string
	depth, distance int
	secondary       bool
	outer           bool
	rich            bool // within the blocks of a chat message
	hidden          bool // tells how to show them
}

// into is the place of a member.
func (b branch) into(name string) branch {
	path := normal(name)
	if b.path != "" {
		path = b.path + "." + path
		b.secondary = b.secondary || sets.secondaryNames[last(b.path)]
		if b.distance = distanceAbove(path, 1+strings.Count(normal(name), ".")); b.distance > 0 || b.secondary || vague[last(path)] {
			name = lastOf(b.name) + "." + name
		}
	}
	b.name, b.path = name, path
	b.depth++
	return b
}

// vague are names that say nothing without that of what they are in.
var vague = setOf("name id key value type state status") //nolint:gochecknoglobals // a constant table

// distanceAbove counts the names in path, without its last ones, that are none of
// members that hold the content.
func distanceAbove(path string, without int) int {
	count := 0
	for left := strings.Count(path, ".") + 1 - without; left > 0; left-- {
		name, rest, _ := strings.Cut(path, ".")
		if path = rest; !isWrapper(name) {
			count++
		}
	}
	return count
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func lastOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// add takes a value and everything in it.
func (t *tree) add(b branch, value string) {
	if len(t.leaves) >= maxLeaves || b.depth > maxLevels {
		return
	}
	switch value[0] {
	case '{':
		t.addObject(b, value)
	case '[':
		t.addArray(b, value)
	case '"':
		t.addString(b, value)
	case 'n': // absent
	default:
		t.leaf(b, value)
	}
}

func (t *tree) leaf(b branch, value string) {
	t.leaves = append(t.leaves, leaf{
		name: b.name, path: b.path, value: value, depth: b.depth, distance: b.distance, secondary: b.secondary && !endsWith(b.path, "metadata.namespace"), outer: b.outer,
		hidden: b.hidden || b.rich,
	})
}

// addString looks into strings: many services carry the JSON of others so.
func (t *tree) addString(b branch, value string) {
	if inner := innerJSON(value); inner != "" {
		t.add(b, inner)
		return
	}
	if text := strings.TrimSpace(unquote(value)); text != "" && b.rich && chatTexts[last(b.path)] {
		t.paragraphs = append(t.paragraphs, text)
	} else if text != "" {
		t.leaf(b, value)
	}
}

// innerJSON returns the object or array that a string holds, "" if it is none.
func innerJSON(value string) string {
	if len(value) < 4 || len(value) > maxNestedJSON || value[1] != '{' && value[1] != '[' && value[1] != '\\' && value[1] != 'e' {
		return ""
	}
	text := strings.TrimSpace(unquote(value))
	if strings.HasPrefix(text, "eyJ") || strings.HasPrefix(text, "ewog") || strings.HasPrefix(text, "ew0K") { // base64 of an object
		object, err := base64.StdEncoding.DecodeString(text)
		if text = string(object); err != nil {
			return ""
		}
	}
	if text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text)) {
		return text
	}
	return ""
}

func (t *tree) addObject(b branch, object string) {
	if inner := soleValue(object); inner != "" {
		t.add(b, inner)
		return
	}
	if b.path != "" && (sets.skipped[last(b.path)] || sets.noise[last(b.path)]) {
		return
	}
	if b.rich && isControl(object) {
		b.rich, b.hidden = false, true
	}
	for name, value := range members(object) {
		if len(t.leaves) >= maxLeaves {
			return
		}
		t.add(b.into(name), value)
	}
}

// isControl reports a button or the like of a chat message.
func isControl(object string) bool {
	for name, value := range members(object) {
		if (name == "type" || name == "@type") && value[0] == '"' {
			kind := unquote(value)
			return strings.Contains(kind, "button") || strings.HasPrefix(kind, "Action") || kind == "OpenUri"
		}
	}
	return false
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
			found = listed(value)
		default:
			return ""
		}
	}
	return found
}

// listed returns the member values of OpenTelemetry's lists.
func listed(object string) string {
	if object[0] == '{' {
		for name, value := range members(object) {
			if name == "values" {
				return value
			}
		}
	}
	return ""
}

func (t *tree) addArray(b branch, array string) {
	if sets.skipped[last(b.path)] && b.path != "" {
		return
	}
	count, objects := 0, 0
	for _, element := range elements(array) {
		count++
		if element[0] == '{' || element[0] == '[' {
			objects++
		}
	}
	switch {
	case count == 0:
	case objects == 0:
		if text := bytesOf(b.path, array); text != "" {
			array = quoteJSON(text)
		}
		t.leaf(b, array)
	case chatArrays[last(b.path)] || b.rich && chatParts[last(b.path)]:
		t.addBlocks(b, array)
	default:
		t.addObjects(b, array, count)
	}
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

// addObjects takes the elements that are pairs of name and value as members,
// of others the first one, and says how many there are.
func (t *tree) addObjects(b branch, array string, count int) {
	if names := namesIn(array); names != "" {
		t.leaf(b, quoteJSON(names))
		return
	}
	for i, element := range elements(array) {
		if name, value := pair(element); value != "" {
			t.add(b.into(name), value)
		} else if i == 0 {
			inner := b
			if count > 1 {
				inner.secondary = true
				t.leaf(b, quoteJSON(counted(count)))
			}
			t.add(inner, element)
		}
	}
}

// namesIn lists the names of things that have one, and no value.
func namesIn(array string) string {
	var names []string
	for i, element := range elements(array) {
		if _, value := pair(element); value != "" || element[0] != '{' {
			return ""
		}
		name := ""
		for key, value := range members(element) {
			if key == "name" && value[0] == '"' {
				name = unquote(value)
			}
		}
		if name == "" {
			return ""
		}
		if i == maxListed {
			name = "…"
		}
		if i <= maxListed {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
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

// The arrays in which messages for chats have their texts, those within them, and
// the members that are texts.
var (
	chatArrays = setOf("attachments blocks sections embeds body content")                                                                  //nolint:gochecknoglobals // a constant table
	chatParts  = setOf("elements facts fields columns items")                                                                              //nolint:gochecknoglobals // a constant table
	chatTexts  = setOf("text title value pretext activity_title activity_subtitle activity_text description author_name content alt_text") //nolint:gochecknoglobals // a constant table
)

// addBlocks takes every text of cards and blocks, in their order.
func (t *tree) addBlocks(b branch, array string) {
	b.rich = true
	for _, element := range elements(array) {
		if name, value := pair(element); value != "" {
			t.add(branch{name: name, path: normal(name), depth: b.depth + 1}, value)
		} else {
			t.add(b, element)
		}
	}
}
