package sinktest

import "slices"

// Occupants returns who is in the room, in order of arrival.
func (s *Server) Occupants() []Occupant {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	var out []Occupant
	for _, o := range s.room.occupants {
		out = append(out, Occupant{Nick: o.nick, JID: o.bare, Sessions: len(o.sessions)})
	}
	return out
}

// Joins returns all attempts to join, the first ten thousand of them.
func (s *Server) Joins() []Join {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	return slices.Clone(s.room.observed.joins)
}

// Sessions returns the clients that have logged in, ordered by address.
func (s *Server) Sessions() []Session {
	var out []Session
	for _, one := range s.boundSessions() {
		info := one.info()
		s.room.mu.Lock()
		if one.occupant != nil {
			info.Nick = one.occupant.nick
		}
		s.room.mu.Unlock()
		out = append(out, info)
	}
	return out
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	out := s.stats
	s.mu.Unlock()
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	in := s.room.observed.stats
	out.Joins, out.JoinsRefused, out.Posts = in.Joins, in.JoinsRefused, in.Posts
	out.Bounced, out.Lost = in.Bounced, in.Lost
	return out
}
