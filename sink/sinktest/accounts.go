package sinktest

import (
	"slices"
	"strings"
)

const (
	nsCommands = "http://jabber.org/protocol/commands"
	nsData     = "jabber:x:data"
	nsRegister = "jabber:iq:register"
	addUser    = "http://jabber.org/protocol/admin#add-user"
)

// isAdmin reports whether the session may make accounts, and owns every room.
func (s *session) isAdmin() bool { return slices.Contains(s.srv.cfg.Admins, s.user) }

// newUser makes an account, and reports whether it was free.
func (s *Server) newUser(user, password string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, taken := s.users[user]; taken || user == "" {
		return false
	}
	s.users[user] = password
	return true
}

// commandInfo tells an administrator of the one command (XEP-0050, section 2.2).
func (s *session) commandInfo(n *node, name string) {
	switch {
	case name != addUser || len(s.srv.cfg.Admins) == 0:
		s.bounce(n, StanzaError{Condition: "item-not-found"})
	case !s.isAdmin():
		s.bounce(n, StanzaError{Condition: "forbidden"})
	default:
		s.result(n, info("<identity category='automation' type='command-node'/>", nsCommands, nsData))
	}
}

// command runs the one command, in two steps (XEP-0133, section 4.1).
func (s *session) command(n, c *node) {
	form := c.child(nsData, "x")
	switch {
	case c.attr("node") != addUser || !s.isAdmin():
		s.bounce(n, StanzaError{Condition: "forbidden"})
	case form == nil:
		s.result(n, commandXML("executing", "<x xmlns='"+nsData+"' type='form'>"+
			"<field var='FORM_TYPE' type='hidden'><value>http://jabber.org/protocol/admin</value></field>"+
			"<field var='accountjid' type='jid-single'><required/></field>"+
			"<field var='password' type='text-private'/><field var='password-verify' type='text-private'/>"+
			"<field var='email' type='text-single'/></x>"))
	case s.srv.cfg.Directory:
		s.bounce(n, StanzaError{Condition: "not-allowed"})
	case hasEmptyField(form): // as Openfire does
		s.bounce(n, StanzaError{Type: "wait", Condition: "internal-server-error"})
	default:
		s.result(n, commandXML("completed", s.addUser(submitted(form))))
	}
}

func (s *session) addUser(fields map[string]string) string {
	user, domain, _ := strings.Cut(fields["accountjid"], "@")
	switch {
	case domain != s.srv.cfg.Domain || fields["password"] == "" || fields["password"] != fields["password-verify"]:
		return "<note type='error'>Invalid data</note>"
	case !s.srv.newUser(user, fields["password"]):
		return "<note type='error'>Account already exists</note>"
	default:
		return "<note type='info'>Account successfully created</note>"
	}
}

func commandXML(status, payload string) string {
	return "<command xmlns='" + nsCommands + "'" + attrs("node", addUser, "sessionid", "1", "status", status) + ">" + payload + "</command>"
}

// register lets somebody who is not logged in make an account (XEP-0077, section 3.1).
func (s *session) register(n *node) error {
	q := n.child(nsRegister, "query")
	if !s.srv.cfg.Register || q == nil || !s.encrypted() {
		return streamError{condition: "not-authorized"}
	}
	if n.attr("type") == "get" {
		return s.write("<iq type='result'" + attrs("id", n.attr("id")) + "><query xmlns='" + nsRegister + "'><username/><password/></query></iq>")
	}
	if !s.srv.newUser(q.childTextNS(nsRegister, "username"), q.childTextNS(nsRegister, "password")) {
		return s.write("<iq type='error'" + attrs("id", n.attr("id")) + ">" + StanzaError{Condition: "conflict"}.xml("") + "</iq>")
	}
	return s.write("<iq type='result'" + attrs("id", n.attr("id")) + "/>")
}

// hasEmptyField reports whether a form submits a field without a value.
func hasEmptyField(form *node) bool {
	for _, c := range form.children {
		if c.is(nsData, "field") && c.child(nsData, "value") == nil {
			return true
		}
	}
	return false
}

// submitted returns the values of a form.
func submitted(form *node) map[string]string {
	values := map[string]string{}
	for _, c := range form.children {
		if c.is(nsData, "field") {
			values[c.attr("var")] = c.childTextNS(nsData, "value")
		}
	}
	return values
}
