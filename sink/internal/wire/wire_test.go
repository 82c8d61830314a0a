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
)

const header = `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='1' version='1.0'>`

// elements that real servers and hostile occupants send.
var elements = []string{ //nolint:gochecknoglobals // constant
	`<message id='e-1' type='groupchat' xml:lang='en' from='r@c/notifier' to='me'><body>hello</body><occupant-id id='x'/></message>`,
	`<message a:id='forged' xmlns:a='urn:a' type='groupchat'><body>x</body></message>`,
	`<x><message xmlns='jabber:client'><body>nested</body></message></x>`,
	`<presence from="r@c/a>b"/>`,
	`<presence><priority>abc</priority></presence>`,
	`<a><![CDATA[</a><b>]]></a>`,
	`<a b='<'><c/><d></d>text</a >`,
}

func readAll(t *testing.T, r io.Reader, limit int) ([]string, error) {
	t.Helper()
	f := wire.NewFramer(r, limit)
	if _, err := f.Header(); err != nil {
		return nil, err
	}
	var got []string
	for {
		frame, err := f.Next()
		if err != nil {
			return got, err
		}
		got = append(got, string(frame))
	}
}

func TestFramerCutsElementsWhateverTheReads(t *testing.T) {
	stream := header + " \n" + strings.Join(elements, "\n") + "</stream:stream>"
	for name, reader := range map[string]io.Reader{
		"whole":        strings.NewReader(stream),
		"byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
		"halves":       iotest.HalfReader(strings.NewReader(stream)),
	} {
		got, err := readAll(t, reader, 4096)
		if !errors.Is(err, io.EOF) || !slices.Equal(got, elements) {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestFramerRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ stream, want string }{
		"no stream":      {`<html><body/></html>`, "not an XMPP stream"},
		"comment":        {header + `<!-- a -->`, "not allowed"},
		"DTD":            {header + `<!DOCTYPE a [<!ENTITY b "c">]>`, "not allowed"},
		"PI":             {header + `<a><?php ?></a>`, "not allowed"},
		"text":           {header + `hello<a/>`, "text between stanzas"},
		"empty tag":      {header + `<>`, "malformed tag"},
		"huge header":    {`<stream:stream a='` + strings.Repeat("x", 64<<10), "size limit of 20000 bytes"},
		"cut off":        {header + `<a><b/>`, "unexpected EOF"},
		"cut off header": {`<stream:stream `, "unexpected EOF"},
	} {
		_, err := readAll(t, strings.NewReader(tc.stream), 20000)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got error %v, want %q", name, err, tc.want)
		}
	}
}

func TestFramerDropsWhatIsTooBigAndGoesOn(t *testing.T) {
	const limit = 1_000
	long := strings.Repeat("/x>\"]", limit)
	for _, big := range []string{
		"<a>" + strings.Repeat("<b c='&lt;'>&apos;</b>", 10_000) + "</a>",
		"<a b='" + long + "'><c/></a>",
		"<a b='" + long + "'/>",
		"<a><b c='" + long + "'/><b c='" + long + "'></b></a>",
		"<a" + strings.Repeat(" b='/>'", limit) + "></a>",
		"<a><![CDATA[" + long + "]]]></a>",
		"<" + strings.Repeat("a", 5*limit) + "></" + strings.Repeat("a", 5*limit) + ">",
	} {
		stream := header + elements[0] + big + elements[1] + big + elements[2] + "</stream:stream>"
		for name, reader := range map[string]io.Reader{
			"whole":        strings.NewReader(stream),
			"byte by byte": iotest.OneByteReader(strings.NewReader(stream)),
		} {
			got, err := readAll(t, reader, limit)
			if !errors.Is(err, io.EOF) || !slices.Equal(got, elements[:3]) {
				t.Errorf("%.20s, %s: got %.300q, %v", big, name, got, err)
			}
		}
	}
}

func TestParseSeesOnlyUnprefixedAttributesAndDirectChildren(t *testing.T) {
	e, err := wire.Parse([]byte(`<message xmlns:a='urn:a' a:id='forged' id = "a&amp;&#x42;&nope;" from='r@c/n'` +
		`><x xmlns='urn:x'><subject>no</subject></x><body xmlns='urn:y'>no</body> text <thread/></message>`))
	if err != nil {
		t.Fatal(err)
	}
	if string(e.ID) != "a&B&nope;" || string(e.From) != "r@c/n" || !e.Is("message") {
		t.Errorf("got id %q, from %q, name %q", e.ID, e.From, e.Name)
	}
	if e.Has("subject") || e.Has("body") || !e.Has("thread") {
		t.Error("nested or foreign children count as direct ones")
	}
}

func TestAppendTextSurvivesAParser(t *testing.T) {
	for in, want := range map[string]string{
		"a<b>&'\"\r\n\tü🔥":                   "a<b>&'\"\r\n\tü🔥",
		"\x00\x1b\x7f\xff\xed\xa0\x80\uFFFE": "\uFFFD\uFFFD\x7f\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD",
	} {
		if got := parsed(t, in); got != want {
			t.Errorf("%q came out as %q, want %q", in, got, want)
		}
	}
}

func parsed(t *testing.T, s string) string {
	t.Helper()
	doc, ok := wire.AppendText([]byte("<a>"), s, math.MaxInt)
	if !ok {
		t.Fatalf("%q did not fit into %d bytes", s, math.MaxInt)
	}
	var got string
	if err := xml.Unmarshal(append(doc, "</a>"...), &got); err != nil {
		t.Fatalf("%q: %v", doc, err)
	}
	return got
}

func TestAppendTextKeepsToTheLimit(t *testing.T) {
	for limit := range 12 {
		got, ok := wire.AppendText([]byte("ab"), "ü&🔥", limit)
		if len(got) > max(limit, 2) || !utf8.Valid(got) || strings.HasSuffix(string(got), "&") || ok != (limit >= 13) {
			t.Errorf("limit %d: got %q, %v", limit, got, ok)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	stream := strings.Repeat(elements[0], 100)
	b.ReportAllocs()
	for b.Loop() {
		f := wire.NewFramer(strings.NewReader(header+stream), 1<<20)
		if _, err := f.Header(); err != nil {
			b.Fatal(err)
		}
		for range 100 {
			frame, _ := f.Next()
			if e, err := wire.Parse(frame); err != nil || len(e.ID) == 0 {
				b.Fatal(err)
			}
		}
	}
}
