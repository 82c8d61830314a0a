//go:build real && linux

package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// send posts stanzas that are ready, with never more in flight than the worker
// has: as many echoes as a read brings, as many messages the next write sends.
func send(ctx context.Context, j job) (func() (int, error), error) {
	c, err := join(ctx, j.Server, "notifier", "bare")
	if err == nil {
		_, err = c.until("</presence>") // of which the join has read only a part
	}
	if err != nil {
		return nil, err
	}
	s := &sender{client: c, size: len(stanza(j.Server, 0, j.Body)), ids: ids()}
	for i := range j.N {
		s.text = append(s.text, stanza(j.Server, i, j.Body)...)
	}
	s.echoes = xml.NewDecoder(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(c.ahead), s), len(c.buf)))
	next := s.echo
	if j.Blind {
		next = s.blind
	}
	return next, s.post(inFlight)
}

// sender is who posts.
type sender struct {
	*client
	size   int    // of a stanza
	ids    string // what its id begins with
	text   []byte
	echoes *xml.Decoder
	shown  int // after the last write
}

// post writes the next n stanzas, if there are as many.
func (s *sender) post(n int) error {
	n = min(n*s.size, len(s.text))
	_, err := s.conn.Write(s.text[:n])
	s.text = s.text[n:]
	return err
}

// echo reads until one of our messages has been shown, known by its id, as every client
// must. The XML is read by the standard library, without regard to namespaces.
func (s *sender) echo() (int, error) {
	for {
		token, err := s.echoes.RawToken()
		if err != nil {
			return 0, err
		}
		if e, begins := token.(xml.StartElement); begins && e.Name.Local == "message" && s.isOurs(e) {
			s.shown++
			return 1, nil
		}
	}
}

// isOurs reports whether a message has an id of ours.
func (s *sender) isOurs(e xml.StartElement) bool {
	return slices.ContainsFunc(e.Attr, func(a xml.Attr) bool {
		return a.Name.Local == "id" && strings.HasPrefix(a.Value, s.ids)
	})
}

// Read reads for the decoder, which has read all that came before.
func (s *sender) Read(p []byte) (int, error) {
	if s.shown > 0 {
		if err := s.post(s.shown); err != nil {
			return 0, err
		}
		s.shown = 0
	}
	return s.conn.Read(p)
}

// blind only counts what looks like the end of a message, in as much as comes at once.
func (s *sender) blind() (int, error) {
	n, err := s.messages()
	if err == nil && n > 0 {
		err = s.post(n)
	}
	return n, err
}

func stanza(x *testbed.XMPP, i int, body string) string {
	return fmt.Sprintf("<message to='%s' type='groupchat' id='%s%019d'><body>%s</body></message>", roomOf(x), ids(), i, body)
}

// ids is what the ids begin with that this process makes.
func ids() string { return fmt.Sprintf("%08d-", os.Getpid()) }
