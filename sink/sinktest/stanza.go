package sinktest

import (
	"bufio"
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

const (
	nsClient      = "jabber:client"
	nsStreams     = "http://etherx.jabber.org/streams"
	nsStreamError = "urn:ietf:params:xml:ns:xmpp-streams"
	nsStanzaError = "urn:ietf:params:xml:ns:xmpp-stanzas"
	nsTLS         = "urn:ietf:params:xml:ns:xmpp-tls"
	nsSASL        = "urn:ietf:params:xml:ns:xmpp-sasl"
	nsBind        = "urn:ietf:params:xml:ns:xmpp-bind"
	nsSession     = "urn:ietf:params:xml:ns:xmpp-session"
	nsPing        = "urn:xmpp:ping"
	nsDiscoInfo   = "http://jabber.org/protocol/disco#info"
	nsDiscoItems  = "http://jabber.org/protocol/disco#items"
	nsMUC         = "http://jabber.org/protocol/muc"
	nsMUCUser     = nsMUC + "#user"
	nsMUCOwner    = nsMUC + "#owner"
)

// maxDepth bounds the nesting of a stanza, and with it the recursion of the reader.
const maxDepth = 64

var (
	errStreamEnd  = errors.New("the client closed the stream")
	errTooBig     = errors.New("the stanza is too big")
	errRestricted = errors.New("the stream holds XML that XMPP forbids")
)

// stanzaReader cuts a stream into its top-level elements. It keeps the bytes of
// the current one, so that a message can be reflected exactly as it was written.
type stanzaReader struct {
	in   *bufio.Reader
	dec  *xml.Decoder
	raw  []byte
	base int64 // the decoder's offset of raw[0]
	max  int
	err  error // why reading ended; the decoder makes a syntax error of some
}

func newStanzaReader(in io.Reader, limit int) *stanzaReader {
	r := &stanzaReader{in: bufio.NewReaderSize(in, 16<<10), max: limit}
	r.restart()
	return r
}

// restart prepares for a new stream on the same connection.
func (r *stanzaReader) restart() {
	r.dec = xml.NewDecoder(r)
	r.reset()
}

func (r *stanzaReader) reset() {
	r.raw, r.base = r.raw[:0], r.dec.InputOffset()
}

// ReadByte makes the decoder read no further than it has to, and never past the limit.
func (r *stanzaReader) ReadByte() (byte, error) {
	if len(r.raw) >= r.max {
		r.err = errTooBig
		return 0, errTooBig
	}
	b, err := r.in.ReadByte()
	if err != nil {
		r.err = err
		return 0, err
	}
	r.raw = append(r.raw, b)
	return b, nil
}

// Read completes io.Reader; the decoder calls only ReadByte.
func (r *stanzaReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = b
	return 1, nil
}

// token is the decoder's next one.
func (r *stanzaReader) token() (xml.Token, error) {
	tok, err := r.dec.Token()
	if err != nil && r.err != nil {
		return nil, r.err
	}
	return tok, err
}

// header reads the start of a stream.
func (r *stanzaReader) header() (*node, error) {
	for {
		tok, err := r.token()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return &node{name: t.Name, attrs: t.Attr}, nil
		case xml.ProcInst, xml.CharData:
		default:
			return nil, errRestricted
		}
	}
}

// next reads one whole top-level element.
func (r *stanzaReader) next() (*node, error) {
	r.reset()
	for {
		tok, err := r.token()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			return r.element(t, 0)
		case xml.EndElement:
			return nil, errStreamEnd
		case xml.CharData: // white space keeps the connection alive
			if strings.TrimSpace(string(t)) != "" {
				return nil, errRestricted
			}
		default:
			return nil, errRestricted
		}
	}
}

// element reads the rest of an element whose start was read already.
func (r *stanzaReader) element(start xml.StartElement, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooBig
	}
	n := &node{name: start.Name, attrs: start.Attr}
	begin := r.dec.InputOffset() - r.base
	for {
		end := r.dec.InputOffset() - r.base
		tok, err := r.token()
		if err != nil {
			return nil, err
		}
		switch t := tok.(type) {
		case xml.StartElement:
			c, err := r.element(t, depth+1)
			if err != nil {
				return nil, err
			}
			n.children = append(n.children, c)
		case xml.CharData:
			n.text += string(t)
		case xml.EndElement:
			if depth == 0 {
				n.inner = string(r.raw[begin:end])
			}
			return n, nil
		default:
			return nil, errRestricted
		}
	}
}
