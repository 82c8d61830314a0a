package sink

import (
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// longestQuote bounds what is quoted, in bytes.
const longestQuote = 300

// quote is what the room or its service said in words while we waited to be let in:
// the question of a captcha (XEP-0158), the notice of a gateway. A person can act on
// it, we cannot.
type quote struct {
	text    string
	captcha bool
}

// listen keeps the text of a message from the room, its service or the server.
func (q *quote) listen(e wire.Element, us *occupant) {
	if !us.official(e.From) || string(e.Type) == "error" {
		return
	}
	for child := range e.Children() {
		switch {
		case string(child.XMLNS) == "urn:xmpp:captcha":
			q.captcha = true
		case child.Is("body"):
			text := conn.OneLine(child.Text())
			q.text = strings.ToValidUTF8(text[:min(len(text), longestQuote)], "") // without half a character
		}
	}
}

// explain adds what was said to the error of a join that was never answered.
func (q *quote) explain(room string, err error) error {
	switch {
	case q.captcha:
		return &Error{
			Kind: conn.KindOf(err), Op: "join " + room, Lasting: true,
			Err: fmt.Errorf("%w; the room asks for a captcha (XEP-0158): %q", err, q.text),
			Fix: "make the account of XMPP_JID a member of the room, or let the server ask it for none (ejabberd: captcha_whitelist)",
		}
	case q.text != "":
		return &Error{Kind: conn.KindOf(err), Op: "join " + room, Err: fmt.Errorf("%w; the room says: %q", err, q.text)}
	default:
		return err
	}
}
