package sink

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// clock compares the server's clock with ours: they may differ, and either may be
// set. Zero: they are taken to agree.
type clock struct {
	server time.Time // what the server's said
	at     time.Time // when we heard of it
}

// ours is the latest time by our clock at which the server's may have said at. Many servers
// leave out fractions of seconds.
func (c clock) ours(at time.Time) time.Time {
	if at.Nanosecond() == 0 && !at.IsZero() {
		at = at.Add(time.Second)
	}
	if c.server.IsZero() || at.IsZero() {
		return at
	}
	return c.at.Add(at.Sub(c.server)) // c.at is monotonic
}

const nsTime = "urn:xmpp:time"

// askTime asks for the server's time (XEP-0202). The room dates its history by it.
func (s *session) askTime() {
	s.askServer("<time xmlns='"+nsTime+"'/>", s.time)
}

// time takes the answer. Nobody waits for it.
func (s *session) time(a conn.Answer) error {
	answer := a.Child("time", nsTime)
	utc := answer.Child("utc", "")
	if at, err := time.Parse(time.RFC3339, utc.Text()); err == nil {
		s.learned.clock = clock{server: at, at: time.Now()}
	}
	return nil
}
