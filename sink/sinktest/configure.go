package sinktest

import "strings"

// fieldPrefix begins the names of the fields (XEP-0045, section 15.5.3).
const fieldPrefix = "muc#roomconfig_"

// options are the fields of the room's form in the order in which it has them,
// with what they are at first.
func options() []struct{ name, kind, value string } {
	return []struct{ name, kind, value string }{
		{"persistentroom", "boolean", "0"},
		{"roomname", "text-single", ""},
		{"roomdesc", "text-single", ""},
		{"membersonly", "boolean", "0"},
		{"moderatedroom", "boolean", "0"},
		{"roomsecret", "text-private", ""},
		{"historylength", "text-single", "20"},
		{"enablearchiving", "boolean", "0"},
	}
}

// option is what a field of the room's form is now.
func (r *room) option(name string) string {
	if name == "roomsecret" {
		return r.password
	}
	for _, o := range options() {
		if _, set := r.options[name]; !set && o.name == name {
			return o.value
		}
	}
	return r.options[name]
}

// form is the room's configuration (XEP-0045, section 10.1.3).
func (r *room) form() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	b.WriteString("<query xmlns='" + nsMUCOwner + "'><x xmlns='" + nsData + "' type='form'>" +
		"<field var='FORM_TYPE' type='hidden'><value>" + nsMUC + "#roomconfig</value></field><field type='fixed'><value>Room</value></field>")
	for _, o := range options() {
		b.WriteString("<field" + attrs("var", fieldPrefix+o.name, "type", o.kind) + "><value>" + esc(r.option(o.name)) + "</value></field>")
	}
	return b.String() + "</x></query>"
}

// configure takes a form, unlocks the room and reports whether it knows all fields. Like ejabberd it
// takes nothing of a form with another.
func (r *room) configure(fields map[string]string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := map[string]bool{"FORM_TYPE": true}
	for _, o := range options() {
		known[fieldPrefix+o.name] = true
	}
	for name := range fields {
		if !known[name] {
			return false
		}
	}
	delete(fields, fieldPrefix+r.faults.ignore)
	for name, value := range fields {
		r.options[strings.TrimPrefix(name, fieldPrefix)] = value
	}
	if secret, ok := fields[fieldPrefix+"roomsecret"]; ok {
		r.password = secret
	}
	r.locked = false
	return true
}

// yes reports whether a boolean of the form is set.
func (r *room) yes(name string) bool {
	value := r.option(name)
	return value == "1" || value == "true"
}

// affiliationsIQ lists or sets affiliations (XEP-0045, sections 9.3 and 9.5).
func (s *session) affiliationsIQ(n, query *node) {
	r, item := s.srv.room, query.child(nsMUC+"#admin", "item")
	switch {
	case !r.isOwner(s):
		s.bounce(n, StanzaError{Condition: "forbidden"})
	case item == nil:
		s.bounce(n, StanzaError{Condition: "bad-request"})
	case n.attr("type") == "get":
		s.result(n, "<query xmlns='"+nsMUC+"#admin'>"+r.listed(item.attr("affiliation"))+"</query>")
	case s.srv.cfg.ReservedNicks && item.attr("affiliation") == "member" && item.attr("nick") == "":
		s.bounce(n, StanzaError{Condition: "conflict"})
	default:
		r.affiliate(item.attr("jid"), item.attr("affiliation"))
		s.result(n, "")
	}
}

func (r *room) listed(affiliation string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	list := func(jid, is string) {
		if is == affiliation {
			b.WriteString("<item" + attrs("jid", jid, "affiliation", is) + "/>")
		}
	}
	for jid, is := range r.members {
		list(jid, is)
	}
	for jid, banned := range r.banned {
		if banned {
			list(jid, "outcast")
		}
	}
	if r.owner != "" {
		list(r.owner, "owner")
	}
	return b.String()
}

func (r *room) affiliate(jid, affiliation string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.members[jid] = affiliation
}

// hasVoice reports whether an account may speak (XEP-0045, section 5.1.1).
func (r *room) hasVoice(bare string) bool {
	return !r.muted[bare] && (!r.yes("moderatedroom") || r.owner == bare || r.members[bare] != "")
}
