package sinktest

import (
	"strconv"
	"strings"
)

const (
	nsLast = "jabber:iq:last"
	nsTime = "urn:xmpp:time"
)

// iq answers a request; results and errors of the client's own are taken note of by nobody.
func (s *session) iq(n *node) {
	kind, to := n.attr("type"), n.attr("to")
	bare, nick, toOccupant := strings.Cut(to, "/")
	room := s.srv.room
	if kind != "get" && kind != "set" {
		if room.profile.RoutesSelfPing && toOccupant && bare == room.jid && room.isNick(s, nick) {
			s.routeToSelf(n)
		}
		return
	}
	if n.attr("id") == "" || len(n.children) != 1 {
		s.bounce(n, StanzaError{Condition: "bad-request"})
		return
	}
	switch {
	case room.profile.AnswersAnyPing && n.child(nsPing, "ping") != nil:
		s.result(n, "")
	case to == "" || to == s.srv.cfg.Domain || to == s.bare:
		s.serverIQ(n)
	case to == s.srv.cfg.Service:
		s.serviceIQ(n)
	case strings.ToLower(bare) == room.jid && toOccupant:
		s.occupantIQ(n, nick)
	case strings.ToLower(bare) == room.jid:
		s.roomIQ(n)
	case to == s.jid:
		s.send("<iq"+attrs("type", kind, "id", n.attr("id"), "from", s.jid, "to", s.jid)+">", n.inner, "</iq>")
	default:
		s.bounce(n, StanzaError{Condition: "remote-server-not-found"})
	}
}

// serverIQ answers for the domain and for the account.
func (s *session) serverIQ(n *node) {
	room := s.srv.room
	switch {
	case n.child(nsPing, "ping") != nil, n.child(nsSession, "session") != nil:
		s.result(n, "")
	case n.child(nsLast, "query") != nil:
		s.result(n, "<query"+attrs("xmlns", nsLast, "seconds", strconv.Itoa(int(s.srv.uptime().Seconds())))+"/>")
	case n.child(nsTime, "time") != nil:
		s.result(n, "<time xmlns='"+nsTime+"'><tzo>+00:00</tzo><utc>"+room.now().UTC().Format(stampLayout)+"</utc></time>")
	case n.child("jabber:iq:roster", "query") != nil && n.attr("type") == "get":
		s.result(n, "<query xmlns='jabber:iq:roster'/>")
	case n.child(nsCommands, "command") != nil:
		s.command(n, n.child(nsCommands, "command"))
	case n.child(nsDiscoInfo, "query") != nil && n.child(nsDiscoInfo, "query").attr("node") != "":
		s.commandInfo(n, n.child(nsDiscoInfo, "query").attr("node"))
	case n.child(nsDiscoInfo, "query") != nil:
		s.result(n, info("<identity category='server' type='im' name='sinktest'/>", nsDiscoInfo, nsDiscoItems, nsPing))
	case n.child(nsDiscoItems, "query") != nil:
		s.result(n, "<query xmlns='"+nsDiscoItems+"'><item"+attrs("jid", s.srv.cfg.Service)+"/></query>")
	default:
		s.bounce(n, StanzaError{Condition: "service-unavailable"})
	}
}

// serviceIQ answers for the service that holds the room. Like Prosody's and ejabberd's it does not answer pings.
func (s *session) serviceIQ(n *node) {
	switch {
	case n.child(nsDiscoInfo, "query") != nil:
		s.result(n, info("<identity category='conference' type='text' name='Chatrooms'/>", nsDiscoInfo, nsDiscoItems, nsMUC))
	case n.child(nsDiscoItems, "query") != nil:
		s.result(n, "<query xmlns='"+nsDiscoItems+"'><item"+attrs("jid", s.srv.room.jid)+"/></query>")
	default:
		s.bounce(n, StanzaError{Condition: "service-unavailable"})
	}
}

// roomIQ answers for the room itself.
func (s *session) roomIQ(n *node) {
	room := s.srv.room
	if e, silent := room.absent(); silent || room.profile.MuteRoom {
		return
	} else if e.Condition != "" {
		s.bounce(n, e)
		return
	}
	switch {
	case n.child(nsDiscoInfo, "query") != nil:
		s.result(n, info("<identity category='conference' type='text'"+attrs("name", s.srv.cfg.Room)+"/>", room.features()...))
	case room.profile.OccupantsOnly && !room.isInside(s):
		s.hide(n)
	case n.child(nsMUCOwner, "query") != nil:
		s.ownerIQ(n)
	case room.cfg.Archive && n.child(nsMAM, "query") != nil:
		s.archiveIQ(n, n.child(nsMAM, "query"))
	case n.child(nsMUC+"#admin", "query") != nil:
		s.affiliationsIQ(n, n.child(nsMUC+"#admin", "query"))
	default:
		s.bounce(n, StanzaError{Condition: "service-unavailable"})
	}
}

// hide answers a client outside the room in mu-conference's way.
func (s *session) hide(n *node) {
	condition := "feature-not-implemented"
	if n.child(nsMUCOwner, "query") != nil {
		condition = "bad-request"
	}
	s.bounce(n, StanzaError{Condition: condition})
}

// ownerIQ lets an owner see and submit the configuration of the room (XEP-0045, section 10).
func (s *session) ownerIQ(n *node) {
	switch {
	case !s.srv.room.isOwner(s):
		s.bounce(n, StanzaError{Condition: "forbidden"})
	case n.attr("type") == "get":
		s.result(n, s.srv.room.form())
	case strings.Contains(n.inner, "type='cancel'"):
		s.result(n, "")
		s.srv.DestroyRoom("", "")
		s.srv.room.forgetTombstone()
	case !s.srv.room.configure(submittedTo(n)):
		s.bounce(n, StanzaError{Condition: "bad-request"})
	default:
		s.result(n, "")
	}
}

// submittedTo returns the values of the form in an owner's request.
func submittedTo(n *node) map[string]string {
	form := n.child(nsMUCOwner, "query").child(nsData, "x")
	if form == nil {
		return nil
	}
	return submitted(form)
}

// occupantIQ answers a self-ping (XEP-0410); requests to others are not passed on.
func (s *session) occupantIQ(n *node, nick string) {
	room := s.srv.room
	e, silent := room.absent()
	switch {
	case silent || room.profile.MuteRoom:
	case e.Condition != "":
		s.bounce(n, e)
	case !room.isInside(s):
		s.bounce(n, room.notJoined())
	case !room.isNick(s, nick) || n.child(nsPing, "ping") == nil:
		s.bounce(n, StanzaError{Condition: "service-unavailable"})
	case room.profile.RoutesSelfPing:
		s.routeToSelf(n)
	default:
		s.result(n, "")
	}
}

// routeToSelf passes an IQ on to the one who sent it, as a room does with one to his own nickname.
func (s *session) routeToSelf(n *node) {
	s.send("<iq"+attrs("type", n.attr("type"), "id", n.attr("id"), "from", n.attr("to"), "to", s.jid)+">", n.inner, "</iq>")
}

func (s *session) result(n *node, payload string) {
	s.answer("<iq type='result'"+attrs("id", n.attr("id"), "from", n.attr("to"), "to", s.jid)+">", payload, "</iq>")
}

// info is an answer to disco#info (XEP-0030).
func info(identity string, features ...string) string {
	var out strings.Builder
	for _, f := range features {
		out.WriteString("<feature" + attrs("var", f) + "/>")
	}
	return "<query xmlns='" + nsDiscoInfo + "'>" + identity + out.String() + "</query>"
}
