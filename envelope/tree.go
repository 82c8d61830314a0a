package envelope

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// tree collects the leaves of a message.
type tree struct {
	leaves []leaf
	// paragraphs are the texts of cards and blocks, in their order.
	paragraphs []string
}

// branch is a place in the message.
type branch struct {
	// name is what people see, as the publisher writes it; path has the names of all
	// members on the way, as normal makes them.
	name, path string
	// distance is how many members on the way are none that hold the content, and
	// secondary says that one of them tells of something else.
	depth, distance int
	secondary       bool
	// outer says that it is what several notifications of a message share.
	outer bool
	// rich is what is in the blocks of a chat message, hidden what is never shown by
	// itself, like how to show them. label is what people see of a link there.
	rich, hidden bool
	label        string
}

// into is the place of a member.
func (b branch) into(name string) branch {
	path := normal(name)
	if b.path != "" {
		path = b.path + "." + path
		b.secondary = b.secondary || secondaryNames[last(b.path)]
		if b.distance = distanceAbove(path, 1+strings.Count(normal(name), ".")); b.distance > 0 || b.secondary || vague[last(path)] && !plainWrappers[last(b.path)] {
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
	if !b.hidden && last(b.path) != "titlelink" {
		b.label = ""
	}
	b.hidden = b.hidden || b.rich
	b.secondary = b.secondary && !endsWith(b.path, "metadata.namespace")
	t.leaves = append(t.leaves, leaf{branch: b, value: value})
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
	if len(value) < 4 || len(value) > maxNestedJSON || value[1] != '{' && value[1] != '[' && value[1] != '\\' && value[1] != 'e' && value[1] != 'H' {
		return ""
	}
	text := unpackedText(strings.TrimSpace(unquote(value)))
	if text != "" && (text[0] == '{' || text[0] == '[') && json.Valid([]byte(text)) {
		return text
	}
	return ""
}

// unpackedText undoes the Base64 of an object, and the gzip in which CloudWatch hands
// over its logs.
func unpackedText(text string) string {
	if !slices.ContainsFunc([]string{"eyJ", "ewog", "ew0K", "H4sI"}, func(start string) bool { return strings.HasPrefix(text, start) }) {
		return text
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err == nil && strings.HasPrefix(text, "H4sI") {
		content, err = decompress("gzip", content)
	}
	if err != nil {
		return ""
	}
	return string(content)
}

func (t *tree) addObject(b branch, object string) {
	if inner := soleValue(object); inner != "" {
		t.add(b, inner)
		return
	}
	if b.path != "" && (skipped[last(b.path)] || noise[last(b.path)]) {
		return
	}
	if b.rich {
		b.label = labelOf(object)
		if isControl(object) {
			b.rich, b.hidden = false, true
		}
	}
	for name, value := range members(object) {
		if len(t.leaves) >= maxLeaves {
			return
		}
		t.add(b.into(name), value)
	}
}

func (t *tree) addArray(b branch, array string) {
	if skipped[last(b.path)] && b.path != "" {
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

// addObjects takes the elements that are pairs of name and value as members,
// of others the first one, and says how many there are.
func (t *tree) addObjects(b branch, array string, count int) {
	if names := listed(b.path, array); names != "" {
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
