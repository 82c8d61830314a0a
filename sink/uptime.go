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
	s.request(conn.Request{
		To: s.conn.Domain, Type: "get", Payload: "<query xmlns='" + nsLast + "'/>",
		By:     s.byServer,
		Answer: s.uptime,
	})
}

// byServer reports whether our server speaks.
func (s *session) byServer(from []byte) bool { return string(from) == s.conn.Domain }

// uptime takes the answer. Nobody waits for it: not every server knows, those
// that do say so at once.
func (s *session) uptime(a conn.Answer) error {
	for query := range a.Children() {
		seconds, err := strconv.ParseUint(string(query.Attr("seconds")), 10, 31)
		if string(query.XMLNS) == nsLast && err == nil {
			s.box.StartedAt(time.Now().Add(-time.Duration(seconds) * time.Second))
		}
	}
	return nil
}
