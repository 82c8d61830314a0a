package envelope

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxXMLDepth is how deep an element may be that is looked into.
const maxXMLDepth = 32

// xmlElement is an element whose end has not come yet.
type xmlElement struct {
	name       string
	text       strings.Builder
	attributes []member
	members    []member
}

// xmlObjects returns a JSON object for each document in text, nil if it is no XML.
// Elements and attributes are its members.
func xmlObjects(text string) []string {
	if !strings.HasPrefix(text, "<") || !strings.HasSuffix(text, ">") {
		return nil
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	open := []*xmlElement{{}}
	for {
		token, err := decoder.Token()
		top := open[len(open)-1]
		switch t := token.(type) {
		case xml.StartElement:
			if open = append(open, newXMLElement(t)); len(open) > maxXMLDepth {
				return nil
			}
		case xml.EndElement:
			open = open[:len(open)-1]
			open[len(open)-1].addElement(top)
		case xml.CharData:
			top.text.Write(t)
		}
		if errors.Is(err, io.EOF) && strings.TrimSpace(top.text.String()) == "" {
			return top.objects()
		}
		if err != nil {
			return nil
		}
	}
}

func newXMLElement(start xml.StartElement) *xmlElement {
	e := &xmlElement{name: start.Name.Local}
	for _, a := range start.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			e.attributes = append(e.attributes, member{a.Name.Local, quoteJSON(a.Value)})
		}
	}
	return e
}

// addElement takes an element that has ended. The attributes of one that has
// nothing but text become members beside it.
func (e *xmlElement) addElement(inner *xmlElement) {
	if len(e.members) >= maxMembers {
		return
	}
	text := strings.TrimSpace(inner.text.String())
	if len(inner.members) > 0 || text == "" {
		e.members = append(e.members, member{inner.name, objectOf(append(inner.attributes, inner.members...))})
		return
	}
	e.members = append(e.members, member{inner.name, quoteJSON(text)})
	for _, a := range inner.attributes {
		e.members = append(e.members, member{inner.name + "." + a.name, a.value})
	}
}

// objects returns the documents that have ended.
func (e *xmlElement) objects() (list []string) {
	for _, m := range e.members {
		list = append(list, objectOf([]member{m}))
	}
	return list
}

// objectOf writes a JSON object. The values of one name become an array.
func objectOf(list []member) string {
	values := make(map[string][]string)
	for _, m := range list {
		values[m.name] = append(values[m.name], m.value)
	}
	var b strings.Builder
	for _, m := range list {
		all := values[m.name]
		if all == nil {
			continue
		}
		values[m.name] = nil
		value := all[0]
		if len(all) > 1 {
			value = "[" + strings.Join(all, ",") + "]"
		}
		b.WriteString("," + quoteJSON(m.name) + ":" + value)
	}
	return "{" + strings.TrimPrefix(b.String(), ",") + "}"
}
