package sinktest

import (
	"slices"
	"strconv"
)

// Kick removes a nickname from the room with a status code: 307 for a kick,
// 321, 322 or 332 for the other reasons. The connection stays.
func (s *Server) Kick(nick string, code int) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	if o := s.room.byNick(nick); o != nil {
		s.room.evict(o, news{codes: []string{strconv.Itoa(code)}}, false)
	}
}

// Rename gives who has a nickname another, as a service may do (status 303).
func (s *Server) Rename(nick, to string) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.byNick(nick); o != nil {
		for _, one := range slices.Clone(o.sessions) {
			r.rename(one, to, &node{})
		}
		if renamed := r.byNick(to); renamed != nil && len(o.sessions) == 0 {
			renamed.stay = o.stay // also of several sessions
		}
	}
}

// Ban removes an account from the room (status 301) and refuses its joins with forbidden.
func (s *Server) Ban(user string) {
	r, bare := s.room, user+"@"+s.cfg.Domain
	r.mu.Lock()
	defer r.mu.Unlock()
	r.banned[bare] = true
	for _, o := range slices.Clone(r.occupants) {
		if o.bare == bare {
			r.evict(o, news{codes: []string{"301"}}, false)
		}
	}
}

// Unban lets an account join again.
func (s *Server) Unban(user string) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	delete(s.room.banned, user+"@"+s.cfg.Domain)
}

// RemoveVoice makes an account a visitor: its messages are bounced with forbidden.
func (s *Server) RemoveVoice(user string) { s.setMuted(user, true) }

// GiveVoice makes an account a participant again.
func (s *Server) GiveVoice(user string) { s.setMuted(user, false) }

func (s *Server) setMuted(user string, muted bool) {
	r, bare := s.room, user+"@"+s.cfg.Domain
	r.mu.Lock()
	defer r.mu.Unlock()
	r.muted[bare] = muted
	for _, o := range r.occupants {
		if o.bare == bare {
			r.tellAll(o, news{})
		}
	}
}

// DestroyRoom destroys the room. The alternative venue, a room address, may be empty.
func (s *Server) DestroyRoom(alternative, reason string) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	extra := "<destroy" + attrs("jid", alternative) + ">"
	if reason != "" {
		extra += "<reason>" + esc(reason) + "</reason>"
	}
	for _, o := range slices.Clone(r.occupants) {
		r.evict(o, news{extra: extra + "</destroy>"}, r.profile.SilentDestroy)
	}
	r.tombstone = &StanzaError{Type: "cancel", Condition: "gone"}
	if alternative != "" {
		r.tombstone.Content = "xmpp:" + alternative + "?join"
	}
	r.exists, r.locked, r.owner, r.history, r.subject = false, false, "", nil, entry{}
	clear(r.banned) // another room begins with nobody in its lists
	clear(r.muted)
	clear(r.members)
}

// CreateRoom brings a destroyed or missing room into being, empty and open. It
// reports whether there was none.
func (s *Server) CreateRoom() bool {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	missing := !s.room.exists
	s.room.exists, s.room.tombstone = true, nil
	return missing
}

// EmptyRoom takes everybody out of the room without a word, as a chat service does that
// has crashed.
func (s *Server) EmptyRoom() {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range slices.Clone(r.occupants) {
		for _, each := range o.sessions {
			each.occupant = nil
		}
		r.remove(o)
	}
	r.signal()
}

// SuspendRoom takes the room service down and leaves the server up: the occupants
// get status 332, and what is sent to the room is answered with the error, or with
// silence if the profile says so.
func (s *Server) SuspendRoom(e StanzaError) {
	s.room.evictAll("332")
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	e = e.orUnavailable()
	s.room.suspended = &e
	if !s.cfg.KeepHistory {
		s.room.history = nil
	}
}

// ResumeRoom brings the room service back. Everybody has to join again.
func (s *Server) ResumeRoom() {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.suspended = nil
}

// SetRoomPassword changes what a join must give; those inside stay.
func (s *Server) SetRoomPassword(password string) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.password = password
}

// TakeNick puts a stranger with this nickname into the room, unless it is taken.
func (s *Server) TakeNick(nick string) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byNick(nick) != nil {
		return
	}
	o := &occupant{nick: nick, bare: "stranger@" + s.cfg.Domain}
	r.occupants = append(r.occupants, o)
	r.tellOthers(o, news{})
	r.signal()
}

// FreeNick makes the stranger with this nickname leave.
func (s *Server) FreeNick(nick string) {
	r := s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if o := r.byNick(nick); o != nil && len(o.sessions) == 0 {
		r.evict(o, news{}, false)
	}
}

// PostAs shows a message in the name of an occupant, whoever and wherever he may
// be. Watchers must not call it.
func (s *Server) PostAs(nick, id, body string) {
	n := &node{attrs: attrList("id", id), inner: "<body>" + esc(body) + "</body>"}
	n.children = []*node{{name: nameOf(nsClient, "body"), text: body}}
	s.room.order.Lock()
	defer s.room.order.Unlock()
	s.room.mu.Lock()
	said := s.room.say(nick, nil, n)
	s.room.mu.Unlock()
	s.room.observed.tellWatchers(said.post)
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.reflect(said, nil, false)
}
