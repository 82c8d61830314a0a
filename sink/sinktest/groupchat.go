package sinktest

import (
	"cmp"
	"time"
)

const nsStanzaID = "urn:xmpp:sid:0"

// verdict is what becomes of a message for the room.
type verdict int

const (
	accept verdict = iota
	refuse         // bounced
	lose           // swallowed
	sever          // swallowed, and the connection with it
)

// groupchat shows a message of an occupant to the room and reflects it (XEP-0045, section 7.4).
func (r *room) groupchat(s *session, n *node) {
	r.order.Lock()
	defer r.order.Unlock()
	r.linger(s)
	r.mu.Lock()
	what, e := r.judge(s, n)
	if what != accept {
		if (what == lose || what == sever) && r.cfg.StoresUnshown && s.occupant != nil {
			r.remember(r.entry(s.occupant.nick, s, n))
		}
		tell := r.observed.turnedAway
		r.mu.Unlock()
		if tell != nil && what != sever {
			tell(Post{ID: n.attr("id"), Body: n.childText("body"), Inner: n.inner, JID: s.bare, Remote: s.remote()})
		}
		r.turnAway(s, n, what, e)
		return
	}
	said := r.say(s.occupant.nick, s, n)
	cut := r.faults.cutAfter.hit()
	r.mu.Unlock()
	r.observed.tellWatchers(said.post)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reflect(said, s, cut)
}

// linger makes a slow room slow.
func (r *room) linger(s *session) {
	r.mu.Lock()
	d := r.faults.slow
	r.mu.Unlock()
	if d > 0 {
		pause(s.wire.done, d)
	}
}

// judge applies the rules of the room, then the faults that were ordered.
func (r *room) judge(s *session, n *node) (verdict, StanzaError) {
	if e, silent := r.absence(); silent {
		return lose, e
	} else if e.Condition == "item-not-found" {
		return refuse, cmp.Or(r.profile.NoRoom, e)
	} else if e.Condition != "" {
		return refuse, e
	}
	switch {
	case s.occupant == nil:
		return refuse, r.notJoined()
	case !r.hasVoice(s.bare):
		return refuse, StanzaError{Condition: "forbidden", Text: "Voice is required to speak in this room"}
	case r.faults.lose.take():
		r.observed.stats.Lost++
		r.signal()
		return lose, StanzaError{}
	case r.faults.cutBefore.hit():
		return sever, StanzaError{}
	}
	post := Post{Nick: s.occupant.nick, ID: n.attr("id"), Body: n.childText("body"), Subject: n.childText("subject"), Inner: n.inner}
	if r.faults.swallowed(post) {
		r.observed.stats.Lost++
		return lose, StanzaError{}
	}
	if e, ok := r.faults.bounced(post); ok {
		r.observed.stats.Bounced++
		r.signal()
		return refuse, e
	}
	return accept, StanzaError{}
}

func (r *room) turnAway(s *session, n *node, what verdict, e StanzaError) {
	switch what {
	case refuse:
		s.bounce(n, e)
	case sever:
		s.drop()
	case accept, lose:
	}
}

// say puts a message into the transcript and the history. Without an author it is
// that of PostAs.
func (r *room) say(nick string, author *session, n *node) entry {
	body, subject := n.child(nsClient, "body"), n.child(nsClient, "subject")
	e := r.entry(nick, author, n)
	switch {
	case body != nil:
		r.remember(e)
	case subject != nil:
		r.subject = e
	default:
		return e // a chat state or the like is passed on, and forgotten
	}
	r.observed.record(e.post, r.cfg.TranscriptSize)
	r.signal()
	return e
}

// entry is a message as the room shows it.
func (r *room) entry(nick string, author *session, n *node) entry {
	post := Post{
		Nick: nick, ID: n.attr("id"), Body: n.childText("body"), Subject: n.childText("subject"),
		Inner: n.inner, At: time.Now(),
	}
	if author != nil {
		post.JID, post.Remote, post.Stay = author.bare, author.remote(), author.occupant.stay
	}
	return entry{post: post, head: r.messageHead(post, n.lang()), inner: r.identified(r.messageInner(n), post.JID), stamp: r.now()}
}

func (r *room) messageHead(p Post, lang string) string {
	id := p.ID
	switch r.profile.IDs {
	case ReplaceIDs:
		id = r.freshID("r")
	case DropIDs:
		id = ""
	case KeepIDs:
	}
	return "<message type='groupchat'" + attrs("id", id, "xml:lang", lang, "from", r.jid+"/"+p.Nick) + " to='"
}

func (r *room) messageInner(n *node) string {
	inner := n.inner
	if r.profile.OnlyBody {
		inner = ""
		for _, name := range []string{"subject", "body"} {
			if c := n.child(nsClient, name); c != nil {
				inner += "<" + name + ">" + esc(c.text) + "</" + name + ">"
			}
		}
	}
	if r.profile.StanzaIDs {
		inner += "<stanza-id xmlns='" + nsStanzaID + "'" + attrs("by", r.jid, "id", r.freshID("a")) + "/>"
	}
	return inner
}

// reflect sends a message to every session in the room. The sender's own
// reflection may be held back, or its connection cut instead.
func (r *room) reflect(e entry, sender *session, cut bool) {
	r.each(func(to *session) {
		switch {
		case to == sender && cut:
		case to == sender && r.faults.hold:
			r.faults.keep(to, e)
		default:
			to.send(e.head, esc(to.jid), "'>", e.inner, "</message>")
		}
	})
	if !cut {
		return
	}
	sender.wire.abort()
	if o := sender.occupant; o != nil && r.detach(sender) {
		r.tellOthers(o, news{kind: "unavailable"})
	}
	r.signal()
}
