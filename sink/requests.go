package sink

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// ask sends a request whose answer the room gives, or our server for it. The answer
// proves that it was running when we asked.
func (s *session) ask(to, kind, payload string, answer func(conn.Answer) error) {
	asked := time.Now()
	s.request(conn.Request{To: to, Type: kind, Payload: payload, By: s.occupant.official, Answer: func(a conn.Answer) error {
		s.answered(asked)
		return answer(a)
	}})
}

// answered notes that the server was running when we asked.
func (s *session) answered(asked time.Time) {
	s.box.Alive(asked)
	s.proving.Store(false)
}

// askServer asks our server itself.
func (s *session) askServer(payload string, answer func(conn.Answer) error) {
	byServer := func(from []byte) bool { return string(from) == s.conn.Domain }
	s.request(conn.Request{To: s.conn.Domain, Type: "get", Payload: payload, By: byServer, Answer: answer})
}

func (s *session) request(r conn.Request) {
	answer := r.Answer
	r.Answer = func(a conn.Answer) error { return s.unlessGone(answer(a)) }
	s.conn.Ask(r)
}

// unlessGone returns why the session has to end. After our presence was ended it
// only says so once more.
func (s *session) unlessGone(err error) error {
	if s.gone == nil {
		return err
	}
	return nil
}
