package wire

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Element is a view of one framed element: name, the attributes that address
// it, and its content. Nothing is copied; it lives as long as the frame.
//
// Only unprefixed attributes are seen. Parsers that match attributes by their
// local name let any occupant of a room forge ids with a:id='...'.
type Element struct {
	Name               []byte // as written, with its prefix
	XMLNS              []byte // the element's own default namespace declaration
	ID, From, To, Type []byte // unescaped
	Content            []byte // between start and end tag
	Raw                []byte
}

// Parse looks at the start tag of a framed element.
func Parse(frame []byte) (Element, error) {
	n := tagEnd(frame)
	if n == 0 || len(frame) < 2 || !nameByte(frame[1]) {
		return Element{}, fmt.Errorf("malformed element %.40q", frame)
	}
	e := Element{Name: name(frame), Raw: frame}
	if frame[n-2] != '/' {
		e.Content = frame[n:max(n, bytes.LastIndexByte(frame, '<'))]
	}
	return e, e.attributes(frame[1+len(e.Name) : n-1])
}

// attributes reads b, the inside of a start tag after the name.
func (e *Element) attributes(b []byte) error {
	for {
		key, value, rest, err := attribute(b)
		if err != nil || key == nil {
			return err
		}
		e.set(key, value)
		b = rest
	}
}

// attribute reads the first attribute in b, and returns what follows it. The
// key is nil if there is none.
func attribute(b []byte) (key, value, rest []byte, err error) {
	b = bytes.TrimLeft(b, " \t\r\n/")
	if len(b) == 0 {
		return nil, nil, nil, nil
	}
	i := bytes.IndexByte(b, '=')
	if i < 0 {
		return nil, nil, nil, fmt.Errorf("malformed attribute %.40q", b)
	}
	key = bytes.TrimRight(b[:i], " \t\r\n")
	b = bytes.TrimLeft(b[i+1:], " \t\r\n")
	if len(b) == 0 || b[0] != '"' && b[0] != '\'' {
		return nil, nil, nil, fmt.Errorf("attribute %.40q without quotes", key)
	}
	end := bytes.IndexByte(b[1:], b[0])
	if end < 0 {
		return nil, nil, nil, fmt.Errorf("attribute %.40q without end", key)
	}
	return key, b[1 : 1+end], b[end+2:], nil
}

// Attr returns the value of any unprefixed attribute, nil if it is not there.
// It is for the rare ones.
func (e *Element) Attr(name string) []byte {
	if len(e.Raw) == 0 {
		return nil
	}
	b := e.Raw[1+len(e.Name) : tagEnd(e.Raw)-1]
	for {
		key, value, rest, err := attribute(b)
		switch {
		case err != nil || key == nil:
			return nil
		case string(key) == name:
			return unescape(value)
		}
		b = rest
	}
}

func (e *Element) set(key, value []byte) {
	switch string(key) {
	case "id":
		e.ID = unescape(value)
	case "from":
		e.From = unescape(value)
	case "to":
		e.To = unescape(value)
	case "type":
		e.Type = unescape(value)
	case "xmlns":
		e.XMLNS = unescape(value)
	}
}

// Is reports whether e is called name in the namespace of the stream's
// stanzas, jabber:client.
func (e *Element) Is(name string) bool {
	return string(e.Name) == name && (len(e.XMLNS) == 0 || string(e.XMLNS) == "jabber:client")
}

// Has reports whether e has a direct child called name in jabber:client.
func (e *Element) Has(name string) bool {
	for child := range e.Children() {
		if child.Is(name) {
			return true
		}
	}
	return false
}

// Child returns the first direct child of that name that declares the namespace, or any if
// that is empty. Without one it returns the zero Element, which holds nothing.
func (e *Element) Child(name, xmlns string) Element {
	for child := range e.Children() {
		if string(child.Name) == name && (xmlns == "" || string(child.XMLNS) == xmlns) {
			return child
		}
	}
	return Element{}
}

// Children iterates over the direct child elements of e. It stops at the
// first one that does not parse.
func (e *Element) Children() iter.Seq[Element] {
	return func(yield func(Element) bool) {
		b, start, depth := e.Content, 0, 0
		for pos := 0; pos < len(b); {
			kind, n, err := token(b[pos:])
			if err != nil || n == 0 || depth < 0 {
				return
			}
			if depth == 0 {
				start = pos
			}
			pos += n
			switch kind {
			case open:
				depth++
				continue
			case closing:
				depth--
			case text, cdata:
				continue
			case empty: // start and end at once
			}
			if depth != 0 {
				continue
			}
			if child, err := Parse(b[start:pos]); err != nil || !yield(child) {
				return
			}
		}
	}
}

// Text returns the character data at the start of e's content.
func (e *Element) Text() string {
	_, n, err := token(e.Content)
	if err != nil || len(e.Content) == 0 || e.Content[0] == '<' {
		return ""
	}
	return string(unescape(e.Content[:n]))
}

const decodePrefix = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"

// Decode unmarshals a framed element into v, in the namespaces of a client
// stream. It is for the rare elements; encoding/xml is slow.
func Decode(frame []byte, v any) error {
	d := xml.NewDecoder(io.MultiReader(strings.NewReader(decodePrefix), bytes.NewReader(frame)))
	if _, err := d.Token(); err != nil {
		return err
	}
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("decode %s: %w", name(frame), err)
	}
	return nil
}

// Result decodes what a request was answered with, if it was: it takes what a
// request returns.
func Result[T any](frame []byte, err error) (result T, _ error) {
	if err == nil {
		err = Decode(frame, &result)
	}
	return result, err
}

// unescape resolves the predefined entities and character references of XML.
// Anything else is left as it is. It copies only if there is one.
func unescape(b []byte) []byte {
	if bytes.IndexByte(b, '&') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for len(b) > 0 {
		i := bytes.IndexByte(b, '&')
		if i < 0 {
			break
		}
		out, b = append(out, b[:i]...), b[i:]
		r, n := reference(b)
		if n == 0 {
			out, b = append(out, '&'), b[1:]
			continue
		}
		out, b = append(out, string(r)...), b[n:]
	}
	return append(out, b...)
}
