package sinktest

import (
	"encoding/xml"
	"strings"
)

// node is one element as it was received.
type node struct {
	name     xml.Name
	attrs    []xml.Attr
	children []*node
	text     string
	inner    string // the children as written; of top-level elements only
}

// attr returns an attribute without a prefix: a prefixed one is another attribute, whatever its local name.
func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Name.Space == "" && a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// lang returns xml:lang.
func (n *node) lang() string {
	for _, a := range n.attrs {
		if a.Name.Local == "lang" && (a.Name.Space == "xml" || a.Name.Space == "http://www.w3.org/XML/1998/namespace") {
			return a.Value
		}
	}
	return ""
}

// child returns the first direct child of that name, or nil.
func (n *node) child(space, local string) *node {
	for _, c := range n.children {
		if c.name.Space == space && c.name.Local == local {
			return c
		}
	}
	return nil
}

// childText returns the text of a direct child in the namespace of stanzas.
func (n *node) childText(local string) string {
	if c := n.child(nsClient, local); c != nil {
		return c.text
	}
	return ""
}

func (n *node) is(space, local string) bool { return n.name.Space == space && n.name.Local == local }

// childTextNS returns the text of a direct child in any namespace.
func (n *node) childTextNS(space, local string) string {
	if c := n.child(space, local); c != nil {
		return c.text
	}
	return ""
}

// esc escapes text for an attribute or for character data.
func esc(s string) string {
	if !strings.ContainsAny(s, "&<>'\"\t\r\n") {
		return s
	}
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}

// attrs writes attributes from names and values, leaving out the empty ones.
func attrs(pairs ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(" " + pairs[i] + "='" + esc(pairs[i+1]) + "'")
		}
	}
	return b.String()
}

// attrList makes the attributes of a stanza of our own.
func attrList(name, value string) []xml.Attr {
	return []xml.Attr{{Name: nameOf("", name), Value: value}}
}

func nameOf(space, local string) xml.Name { return xml.Name{Space: space, Local: local} }
