package sinktest

import "slices"

// DropConnections resets every connection; the occupants behind them leave at once.
func (s *Server) DropConnections() {
	for _, one := range s.all() {
		one.drop()
	}
}

// Freeze turns the whole server into a black hole: connections are accepted, and
// nothing more is read or answered until Unfreeze.
func (s *Server) Freeze() { s.gate.close() }

// Unfreeze lets everything go on where it stopped.
func (s *Server) Unfreeze() { s.gate.open() }

// Blackhole cuts the present connections off for good without closing them: their
// occupants stay in the room as ghosts until the server stops or drops them. New
// connections work.
func (s *Server) Blackhole() {
	for _, one := range s.all() {
		one.wire.own.close()
	}
}

// Throttle limits how many bytes per second are read from each client; 0 ends it.
func (s *Server) Throttle(bytesPerSecond int) { s.rate.Store(int64(bytesPerSecond)) }

// StreamError ends all sessions with this condition, such as "conflict" or "system-shutdown".
func (s *Server) StreamError(condition, text string) {
	s.endStreams(streamError{condition: condition, text: text})
}

func (s *Server) endStreams(e streamError) {
	for _, one := range s.boundSessions() {
		s.room.leave(one)
		one.out.finish(e.xml())
	}
}

// CloseStreams ends all sessions politely, without a reason.
func (s *Server) CloseStreams() {
	for _, one := range s.boundSessions() {
		s.room.leave(one)
		one.out.finish("</stream:stream>")
	}
}

// InjectRaw sends any bytes to all sessions in the room: hostile stanzas, or no XML at all.
// They come between two stanzas, never inside of one.
func (s *Server) InjectRaw(raw string) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.each(func(one *session) { one.send(raw) })
}

// InjectAfterProceed appends bytes in clear to the answer that starts TLS, as an
// attacker in the middle does; "" ends it.
func (s *Server) InjectAfterProceed(raw string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inject = raw
}

// TamperSASL lets fn change the payloads of SCRAM logins before they are sent:
// step is "challenge" or "success". nil ends it.
func (s *Server) TamperSASL(fn func(step, payload string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tamperSASL = fn
}

// OfferMechanisms changes the SASL mechanisms on offer, best first. Known are PLAIN,
// SCRAM-SHA-1, -256, -512 and these with -PLUS; others may be offered and are refused.
func (s *Server) OfferMechanisms(list ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mechanisms = slices.Clone(list)
}

// SetPassword changes the password of an account, or makes the account. Sessions stay.
func (s *Server) SetPassword(user, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users[user] = password
}

// RemoveUser removes an account. Sessions stay.
func (s *Server) RemoveUser(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.users, user)
}
