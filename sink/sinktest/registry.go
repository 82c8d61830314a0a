package sinktest

import (
	"maps"
	"slices"
	"strings"
)

// admit takes in a new connection unless the server is stopping.
func (s *Server) admit(one *session) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.sessions[one] = true
	s.stats.Connections++
	return true
}

// forget is called last by the goroutine of a connection.
func (s *Server) forget(one *session) {
	s.mu.Lock()
	delete(s.sessions, one)
	s.mu.Unlock()
	s.room.changed()
}

// register makes a session reachable by its full address; the one that had it before is replaced.
func (s *Server) register(one *session) {
	s.mu.Lock()
	old := s.bound[one.jid]
	s.bound[one.jid] = one
	s.mu.Unlock()
	if old != nil {
		s.room.leave(old)
		old.out.finish(streamError{condition: "conflict", text: "Replaced by new connection"}.xml())
	}
	s.room.changed()
}

// unregister takes a session that has ended out of the room and the registry.
func (s *Server) unregister(one *session) {
	s.room.leave(one)
	s.mu.Lock()
	if s.bound[one.jid] == one {
		delete(s.bound, one.jid)
	}
	s.mu.Unlock()
	s.room.changed()
}

// all returns every connection, logged in or not.
func (s *Server) all() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.sessions))
}

// boundSessions returns the sessions with a full address, in its order.
func (s *Server) boundSessions() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.bound), func(a, b *session) int { return strings.Compare(a.jid, b.jid) })
}

func (s *Server) password(user string) (string, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	password, known := s.users[user]
	return password, known
}

func (s *Server) mechanismList() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mechanisms
}

func (s *Server) injection() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inject
}

func (s *Server) tamper(step, payload string) string {
	s.mu.Lock()
	fn := s.tamperSASL
	s.mu.Unlock()
	if fn == nil {
		return payload
	}
	return fn(step, payload)
}

func (s *Server) count(add func(*Stats)) {
	s.mu.Lock()
	add(&s.stats)
	s.mu.Unlock()
	s.room.changed()
}
