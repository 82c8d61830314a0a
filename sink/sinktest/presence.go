package sinktest

import (
	"cmp"
	"slices"
	"strings"
)

// news is what a presence tells of an occupant.
type news struct {
	kind    string   // "" or unavailable
	id      string   // of the stanza that caused it, for its sender only
	status  string   // XML of show and status
	newNick string   // with code 303
	extra   string   // XML inside muc#user, such as <destroy/>
	codes   []string // status codes
}

// tell sends an occupant's presence to one session.
func (r *room) tell(to *session, o *occupant, n news) {
	if r.profile.NeedsInitialPresence && !to.available {
		return
	}
	affiliation, role := r.standing(o)
	if n.kind == "unavailable" && n.newNick == "" {
		role = "none"
	}
	jid := ""
	if slices.Contains(n.codes, "110") {
		jid = to.jid
	}
	if r.profile.NoPresenceIDs {
		n.id = ""
	}
	var codes strings.Builder
	for _, c := range n.codes {
		codes.WriteString("<status" + attrs("xmlns", r.statusNamespace(), "code", c) + "/>")
	}
	to.send("<presence"+attrs("type", n.kind, "id", n.id, "from", r.jid+"/"+o.nick, "to", to.jid)+">", n.status,
		"<x xmlns='"+nsMUCUser+"'><item"+attrs("affiliation", affiliation, "role", role, "nick", n.newNick, "jid", jid)+"/>",
		n.extra, codes.String(), "</x>", r.occupantID(o.bare), "</presence>")
}

// statusNamespace is where status codes are, "" for the right place.
func (r *room) statusNamespace() string {
	if r.profile.StatusInMUC {
		return nsMUC
	}
	return ""
}

// standing is the occupant's affiliation and role (XEP-0045, section 5).
func (r *room) standing(o *occupant) (affiliation, role string) {
	switch {
	case r.banned[o.bare]:
		return "outcast", "none"
	case r.owner != "" && r.owner == o.bare:
		return "owner", "moderator"
	case !r.hasVoice(o.bare):
		return cmp.Or(r.members[o.bare], "none"), "visitor"
	default:
		return cmp.Or(r.members[o.bare], "none"), "participant"
	}
}

// tellOthers sends an occupant's presence to everybody but himself.
func (r *room) tellOthers(o *occupant, n news) {
	r.each(func(to *session) {
		if to.occupant != o {
			r.tell(to, o, n)
		}
	})
}

// tellAll sends an occupant's presence to everybody; his own sessions get status 110 in addition.
func (r *room) tellAll(o *occupant, n news) {
	r.tellOthers(o, n)
	n.codes = append([]string{"110"}, n.codes...)
	for _, to := range o.sessions {
		r.tell(to, o, n)
	}
}

// leave takes a session out of the room, if it is in it.
func (r *room) leave(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := s.occupant
	if o == nil {
		return
	}
	free := r.detach(s)
	r.tell(s, o, news{kind: "unavailable", codes: []string{"110"}})
	if free {
		r.tellOthers(o, news{kind: "unavailable"})
	}
	r.signal()
}

// evict takes an occupant out of the room against his will. His sessions get status
// 110 in addition, but for a silent eviction.
func (r *room) evict(o *occupant, n news, silent bool) {
	n.kind = "unavailable"
	r.tellOthers(o, n)
	if !silent {
		n.codes = append([]string{"110"}, n.codes...)
	}
	for _, s := range o.sessions {
		r.tell(s, o, n)
		s.occupant = nil
	}
	r.remove(o)
	r.signal()
}

// evictAll empties the room, as a service does that goes down.
func (r *room) evictAll(code string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, o := range slices.Clone(r.occupants) {
		r.evict(o, news{codes: []string{code}}, r.profile.SilentShutdown)
	}
}

// shutDown empties the room. Where posts bounce before that, they do so until the
// server has stopped.
func (r *room) shutDown() {
	if r.profile.SilentShutdown {
		r.mu.Lock()
		r.suspended = &StanzaError{Type: "cancel", Condition: "service-unavailable"}
		r.mu.Unlock()
	}
	r.evictAll("332")
}

// update passes a change of an occupant's show and status on.
func (r *room) update(s *session, n *node) {
	r.tellAll(s.occupant, news{status: statusOf(n)})
}

// rename gives a session another nickname (XEP-0045, section 7.6).
func (r *room) rename(s *session, nick string, n *node) {
	if nick == "" || r.taken(s, nick) {
		s.bounce(n, r.nickError(nick))
		return
	}
	old := s.occupant
	gone := news{kind: "unavailable", newNick: nick, codes: []string{"303"}}
	free := r.detach(s)
	if free {
		r.tellOthers(old, gone)
	}
	gone.codes = []string{"303", "110"}
	r.tell(s, old, gone)
	o, fresh := r.attach(s, nick)
	if fresh {
		r.tellOthers(o, news{status: statusOf(n)})
	}
	if fresh && free {
		o.stay = old.stay // people are told that it is the same occupant
	}
	r.tell(s, o, news{id: n.attr("id"), status: statusOf(n), codes: []string{"110"}})
	r.signal()
}

// taken reports whether a nickname belongs to somebody that this session may not share it with.
func (r *room) taken(s *session, nick string) bool {
	o := r.byNick(nick)
	if o == nil || s.occupant == o {
		return false
	}
	return o.bare != s.bare || r.profile.OneSessionPerNick
}

func (r *room) nickError(nick string) StanzaError {
	if nick == "" {
		return StanzaError{Condition: "jid-malformed", Text: "A nickname is needed"}
	}
	return StanzaError{Condition: "conflict", Text: "That nickname is already in use by another occupant"}
}

// statusOf keeps of a presence what concerns the other occupants: never the password of a join.
func statusOf(n *node) string {
	var out strings.Builder
	for _, name := range []string{"show", "status"} {
		if text := n.childText(name); text != "" {
			out.WriteString("<" + name + ">" + esc(text) + "</" + name + ">")
		}
	}
	return out.String()
}
