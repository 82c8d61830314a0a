package envelope

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// maxXMLDepth is how deep an element may be that is looked into.
const maxXMLDepth = 32

// xmlObjects returns a JSON object for each document in text, nil if it is no XML.
// Elements and attributes are its members.
func xmlObjects(text string) (list []string) {
	if !strings.HasPrefix(text, "<") || !strings.HasSuffix(text, ">") {
		return nil
	}
	decoder := xml.NewDecoder(strings.NewReader(text))
	decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return list
		}
		start, isElement := token.(xml.StartElement)
		between, _ := token.(xml.CharData)
		var members []member
		if isElement {
			members, err = xmlMembers(decoder, start, 1)
		}
		if err != nil || len(bytes.TrimSpace(between)) > 0 {
			return nil
		}
		if isElement {
			list = append(list, objectOf(members))
		}
	}
}

// xmlMembers reads an element up to its end. The attributes of one that has nothing
// but text become members beside it.
func xmlMembers(decoder *xml.Decoder, start xml.StartElement, depth int) ([]member, error) {
	var attributes, inner []member
	for _, a := range start.Attr {
		if a.Name.Space == "" && a.Name.Local != "xmlns" {
			attributes = append(attributes, member{a.Name.Local, quoteJSON(a.Value)})
		}
	}
	var text strings.Builder
	for {
		token, err := decoder.Token()
		switch t := token.(type) {
		case xml.StartElement:
			var more []member
			if more, err = xmlMembers(decoder, t, depth+1); len(inner) < maxMembers {
				inner = append(inner, more...)
			}
		case xml.CharData:
			text.Write(t)
		case xml.EndElement:
			return xmlElement(start.Name.Local, strings.TrimSpace(text.String()), attributes, inner), nil
		}
		if err != nil || depth > maxXMLDepth {
			return nil, cmp.Or(err, errTooDeep)
		}
	}
}

var errTooDeep = errors.New("elements are too deep")

func xmlElement(name, text string, attributes, inner []member) []member {
	if len(inner) > 0 || text == "" {
		return []member{{name, objectOf(append(attributes, inner...))}}
	}
	list := []member{{name, quoteJSON(text)}}
	for _, a := range attributes {
		list = append(list, member{name + "." + a.name, a.value})
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
