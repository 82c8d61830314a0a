package sink

import (
	"fmt"
	"strconv"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const nsLast = "jabber:iq:last"

// askUptime asks the server how long it has been running (XEP-0012, section 5).
// One that was killed may have kept an archive but for its end, and then
// nothing else tells.
func (s *session) askUptime() {
	s.out.text(fmt.Sprintf("<iq type='get' to='%s' id='%s%s'><query xmlns='%s'/></iq>",
		wire.Escape(s.domain), s.askID, uptimeSuffix, nsLast))
}

// uptime takes the answer. Nobody waits for it: not every server knows, those
// that do say so at once.
func (s *session) uptime(e wire.Element) {
	for query := range e.Children() {
		seconds, err := strconv.ParseUint(string(query.Attr("seconds")), 10, 31)
		if string(query.XMLNS) == nsLast && err == nil {
			s.box.startedAt(time.Now().Add(-time.Duration(seconds) * time.Second))
		}
	}
}
