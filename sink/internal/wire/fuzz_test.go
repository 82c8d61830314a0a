package wire_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// hostile are elements as other occupants and broken servers send them.
func hostile() []string {
	return append(sinktest.Hostile("r@c", "notifier", "e-1"), elements...)
}

// FuzzFramer checks that elements are cut the same whatever the reads are, and
// that nothing is longer than the limit.
func FuzzFramer(f *testing.F) {
	for _, e := range hostile() {
		f.Add(header + e)
	}
	f.Add(header + strings.Join(hostile(), "\n") + "</stream:stream>")
	f.Add(header + "<a b='" + strings.Repeat("/x>", 2000) + "'/><b/>")
	f.Fuzz(func(t *testing.T, stream string) {
		const limit = 4096
		whole, _ := readAll(t, strings.NewReader(stream), limit)
		bytewise, end := readAll(t, iotest.OneByteReader(strings.NewReader(stream)), limit)
		// One read may bring a whole header of more than the limit.
		if !errors.Is(end, wire.ErrTooBig) && !slices.Equal(whole, bytewise) {
			t.Errorf("the cut depends on the reads: %q, %q", whole, bytewise)
		}
		for _, e := range whole {
			if !strings.HasPrefix(e, "<") || !strings.HasSuffix(e, ">") || len(e) > limit {
				t.Errorf("not an element within the limit: %q", e)
			}
		}
	})
}

// FuzzParse holds the scanner against encoding/xml, wherever that takes the
// element: the same attributes, and the same children.
func FuzzParse(f *testing.F) {
	for _, e := range hostile() {
		f.Add(e)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := wire.Parse([]byte(text))
		if err == nil {
			for child := range got.Children() { // whatever it is, nothing panics
				child.Has("body")
				_ = child.Text()
			}
		}
		want, ok := oracle(text)
		if !ok {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		compare(t, got, want)
	})
}

// node is an element as encoding/xml sees it.
type node struct {
	name     string
	attrs    map[string]string // unprefixed
	children []node
}

// oracle parses text with encoding/xml. It is not ok if text is not one
// element without anything that XMPP forbids.
func oracle(text string) (node, bool) {
	if strings.Contains(text, "\r") || !utf8.ValidString(text) || xml.Unmarshal([]byte(text), new(struct{})) != nil {
		return node{}, false // line ends are normalised by XML, but not by us
	}
	d := xml.NewDecoder(strings.NewReader(text))
	stack := []node{{}}
	for {
		token, err := d.RawToken()
		if err != nil {
			root := stack[0]
			return append(root.children, node{})[0], errors.Is(err, io.EOF) && len(stack) == 1 && len(root.children) == 1
		}
		switch v := token.(type) {
		case xml.StartElement:
			stack = append(stack, nodeOf(v))
		case xml.EndElement:
			last := len(stack) - 1
			if last == 0 {
				return node{}, false // something behind the element
			}
			stack[last-1].children = append(stack[last-1].children, stack[last])
			stack = stack[:last]
		case xml.CharData:
			if len(stack) == 1 {
				return node{}, false
			}
		default:
			return node{}, false
		}
	}
}

func nodeOf(e xml.StartElement) node {
	n := node{name: e.Name.Local, attrs: map[string]string{}}
	if e.Name.Space != "" {
		n.name = e.Name.Space + ":" + e.Name.Local
	}
	for _, a := range e.Attr {
		if a.Name.Space == "" {
			n.attrs[a.Name.Local] = a.Value
		}
	}
	return n
}

func compare(t *testing.T, got wire.Element, want node) {
	t.Helper()
	if string(got.Name) != want.name {
		t.Errorf("%q: name %q, want %q", got.Raw, got.Name, want.name)
	}
	for key, value := range map[string][]byte{"id": got.ID, "from": got.From, "to": got.To, "type": got.Type, "xmlns": got.XMLNS} {
		if string(value) != want.attrs[key] {
			t.Errorf("%q: %s is %q, want %q", got.Raw, key, value, want.attrs[key])
		}
	}
	i := 0
	for child := range got.Children() {
		if i == len(want.children) {
			t.Fatalf("%q: more children than %d", got.Raw, i)
		}
		compare(t, child, want.children[i])
		i++
	}
	if i != len(want.children) {
		t.Errorf("%q: %d children, want %d", got.Raw, i, len(want.children))
	}
}

// FuzzAppendText holds the escaper against that of encoding/xml.
func FuzzAppendText(f *testing.F) {
	f.Add("a<b>\x00\xff]]>", 20)
	for _, e := range hostile() {
		f.Add(e, len(e)/2)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := parsed(t, s)
		if want := standard(t, s); got != want {
			t.Errorf("%q is read as %q, want %q", s, got, want)
		}
		cut, all := wire.AppendText(nil, s, limit)
		if len(cut) > max(limit, 0) || !utf8.Valid(cut) {
			t.Errorf("limit %d: got %d bytes, valid %v", limit, len(cut), utf8.Valid(cut))
		}
		whole, _ := wire.AppendText(nil, s, math.MaxInt)
		if !strings.HasPrefix(string(whole), string(cut)) || all != (len(cut) == len(whole)) {
			t.Errorf("limit %d: got %q of %q, all %v", limit, cut, whole, all)
		}
	})
}

// standard is what a reader gets who is sent s by encoding/xml.
func standard(t *testing.T, s string) string {
	t.Helper()
	var doc strings.Builder
	doc.WriteString("<a>")
	if err := xml.EscapeText(&doc, []byte(s)); err != nil {
		t.Fatal(err)
	}
	doc.WriteString("</a>")
	var got string
	if err := xml.Unmarshal([]byte(doc.String()), &got); err != nil {
		t.Fatal(err)
	}
	return got
}
