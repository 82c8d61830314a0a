package sinktest

import (
	"cmp"
	"strconv"
	"time"
)

// enter handles presence sent to an occupant address: a join, a new nickname or a new status.
func (r *room) enter(s *session, nick string, n *node) {
	r.mu.Lock()
	defer r.mu.Unlock()
	x := n.child(nsMUC, "x")
	switch {
	case s.occupant != nil && s.occupant.nick != nick && x == nil:
		r.rename(s, nick, n)
	case s.occupant != nil && x == nil:
		r.update(s, n)
	case x == nil:
		s.bounce(n, r.notJoined())
	default:
		r.join(s, nick, n, x)
	}
}

// join lets a session in, or says why not (XEP-0045, section 7.2).
func (r *room) join(s *session, nick string, n, x *node) {
	asked := Join{ID: n.attr("id"), JID: s.jid, Nick: nick, Password: x.childTextNS(nsMUC, "password"), At: time.Now(), Remote: s.remote()}
	if h := x.child(nsMUC, "history"); h != nil {
		asked.MaxStanzas, asked.Since = h.attr("maxstanzas"), h.attr("since")
	}
	e, silent := r.refusal(s, asked)
	codes := []string{"110"}
	if e.Condition == "" && !silent {
		nick, codes = r.assignNick(s, nick, codes)
		if r.taken(s, nick) || nick == "" {
			e = r.nickError(nick)
		}
	}
	asked.Refused, asked.Nick = e.Condition, nick
	r.observed.join(asked)
	defer r.signal()
	switch {
	case r.faults.answer != "":
		s.send("<message" + attrs("from", r.jid, "to", s.jid) + ">" + r.faults.answer + "</message>")
	case silent, e.Condition != "" && r.profile.SilentRefusals:
	case e.Condition != "":
		s.bounce(n, e)
	default:
		r.welcome(s, nick, n, x, codes)
	}
}

// refusal says why a join is refused before the nickname is looked at.
func (r *room) refusal(s *session, asked Join) (e StanzaError, silent bool) {
	if e, ok := r.faults.refuse.next(); ok {
		return e, false
	}
	creatable := r.suspended == nil && !r.exists && (r.tombstone == nil || r.profile.RecreatesRoom)
	if e, silent := r.absence(); silent || e.Condition != "" && !creatable {
		return e, silent
	}
	switch {
	case r.banned[s.bare]:
		return StanzaError{Condition: "forbidden"}, false
	case r.yes("membersonly") && r.members[s.bare] == "" && r.owner != s.bare && !s.isAdmin():
		return StanzaError{Condition: "registration-required"}, false
	case r.password != "" && r.password != asked.Password && s.occupant == nil:
		return StanzaError{Condition: "not-authorized"}, false
	case r.locked && !r.profile.OpensNewRoom && r.owner != s.bare:
		return StanzaError{Condition: "item-not-found"}, false
	default:
		return StanzaError{}, false
	}
}

// assignNick is the nickname that the room gives, with status 210 where it is not the one asked for.
func (r *room) assignNick(s *session, nick string, codes []string) (string, []string) {
	given := cmp.Or(r.faults.rename, nick)
	if r.profile.RenamesOnConflict {
		for i := 1; r.taken(s, given); i++ {
			given = nick + "_" + strconv.Itoa(i)
		}
	}
	if given != nick {
		codes = append(codes, "210")
	}
	return given, codes
}

// welcome sends what a join brings, in the order of XEP-0045, section 7.1.
func (r *room) welcome(s *session, nick string, n, x *node, codes []string) {
	if !r.exists {
		r.exists, r.tombstone, r.owner = true, nil, s.bare
		r.locked = !r.profile.OpensNewRoom && !r.profile.NoCreated
		if !r.profile.NoCreated {
			codes = append([]string{"201"}, codes...)
		}
	}
	if s.occupant != nil && s.occupant.nick != nick {
		r.rename(s, nick, n)
	}
	if r.profile.BareRoomPresence {
		s.send("<presence"+attrs("from", r.jid, "to", s.jid)+"/>", "")
	}
	o, fresh := r.attach(s, nick)
	for _, other := range r.occupants {
		if other != o {
			r.tell(s, other, news{})
		}
	}
	if fresh {
		r.tellOthers(o, news{status: statusOf(n)})
	}
	r.tell(s, o, news{id: n.attr("id"), status: statusOf(n), codes: codes})
	if r.profile.NoSubject && !r.profile.NoRoomName {
		s.send("<message type='groupchat'"+attrs("from", r.jid, "to", s.jid)+"><body>", esc(r.cfg.Room), "</body></message>")
	}
	r.replay(s, x.child(nsMUC, "history"))
	if !r.profile.NoSubject {
		r.sendSubject(s)
	}
}

// sendSubject marks the end of the history.
func (r *room) sendSubject(s *session) {
	if r.subject.head == "" {
		s.send("<message type='groupchat'"+attrs("from", r.jid, "to", s.jid)+">", "<subject/></message>")
		return
	}
	s.send(r.subject.head, esc(s.jid), "'>", r.subject.inner, "</message>")
}
