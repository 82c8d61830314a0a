package envelope

import (
	"slices"
	"strings"
)

// batches are the arrays whose elements are messages of their own, in a message
// that has no text itself. The names of the second list have other things as
// well: there the message must not even say what it is about.
var (
	batches = setOf( //nolint:gochecknoglobals // a constant table
		`resource_logs scope_logs instrumentation_library_logs log_records resource_spans scope_spans spans resource_metrics scope_metrics metrics
		records log_events streams values`)
	looseBatches = setOf(`alerts events incidents messages notifications entries items hits data`) //nolint:gochecknoglobals // a constant table
)

// part is one of the messages in a message: its members, its own first, and
// then those of what is around it.
type part struct {
	members []member
	own     int // how many of the members are its own
}

// parts opens what is around the content of an object, or of every one in a
// batch.
func (p part) parts(depth int) (list []part) {
	inner := p.open()
	if inner == nil || depth == maxLevels {
		return []part{p}
	}
	for _, each := range inner {
		if len(list) > maxParts { // Decode says so
			break
		}
		list = append(list, each.parts(depth+1)...)
	}
	return list
}

// open takes off one envelope, nil if there is none.
func (p part) open() (list []part) {
	own := p.members[:p.own]
	if inner := soleObject(own); inner != "" {
		return []part{p.with(inner, own[0].name)}
	}
	if payload := find(own, "payload"); payload != "" && payload[0] == '{' && len(own) == 2 && find(own, "schema") != "" {
		return []part{p.with(payload, "schema")} // Kafka Connect and Debezium
	}
	for _, m := range own {
		name := normal(m.name)
		isBatch := batches[name] && !hasText(own) || looseBatches[name] && !hasText(own, aKind, aName)
		if m.value[0] != '[' || !isBatch {
			continue
		}
		for i, element := range elements(m.value) {
			if inner := asObject(element); inner != "" && i < maxParts+1 {
				list = append(list, p.with(inner, m.name))
			}
		}
		if list != nil {
			return list
		}
	}
	return nil
}

// with is the part whose own members are those of inner, and whose others all
// of p but the one that held it.
func (p part) with(inner, holder string) part {
	list := membersOf(inner)
	out := part{members: list, own: len(list)}
	for _, m := range p.members {
		if m.value != inner && m.name != holder && find(list, m.name) == "" && len(out.members) < maxMembers {
			out.members = append(out.members, m)
		}
	}
	return out
}

// soleObject returns the value of the only member that there is, if it is an
// object with members, or the JSON of one in a string.
func soleObject(list []member) string {
	if len(list) != 1 {
		return ""
	}
	value := list[0].value
	if value[0] == '"' {
		value = innerJSON(value)
	}
	if value != "" && value[0] == '{' && strings.Contains(value, `"`) && soleValue(value) == "" {
		return value
	}
	return ""
}

// asObject returns an element of a batch as an object. Loki has pairs of a time
// and a line.
func asObject(element string) string {
	if element[0] == '{' {
		return element
	}
	time, message := pair(element)
	if element[0] != '[' || message == "" || message[0] != '"' {
		return ""
	}
	return `{"time":` + quoteJSON(time) + `,"message":` + message + `}`
}

// hasText reports whether an object has a text of its own, or another of the
// meanings.
func hasText(list []member, others ...meaning) bool {
	for _, m := range list {
		if m.value[0] != '"' || m.value == `""` {
			continue
		}
		for _, u := range uses[normal(m.name)] {
			if u.meaning == aTitle || u.meaning == aMessage || u.meaning == aText || slices.Contains(others, u.meaning) {
				return true
			}
		}
	}
	return false
}
