package sink

import (
	"strconv"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

const nsLast = "jabber:iq:last"

// askUptime asks the server how long it has been running (XEP-0012, section 5).
// One that was killed may have kept an archive but for its end, and then
// nothing else tells.
func (s *session) askUptime() {
	s.askServer("<query xmlns='"+nsLast+"'/>", s.uptime)
}

// uptime takes the answer. Nobody waits for it: not every server knows, those
// that do say so at once.
func (s *session) uptime(a conn.Answer) error {
	query := a.Child("query", nsLast)
	if seconds, err := strconv.ParseUint(string(query.Attr("seconds")), 10, 31); err == nil {
		s.box.StartedAt(time.Now().Add(-time.Duration(seconds) * time.Second))
	}
	return nil
}
