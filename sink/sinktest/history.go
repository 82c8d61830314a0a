package sinktest

import (
	"strconv"
	"time"
)

// entry is a message of the room, ready to be sent: head + recipient + "'>" + inner + "</message>".
type entry struct {
	post        Post
	head, inner string
	stamp       time.Time // when the room got it, by the server's clock
}

// remember keeps the latest messages.
func (r *room) remember(e entry) {
	if r.cfg.Archive {
		r.archive = append(r.archive, e)
	}
	if r.cfg.HistorySize <= 0 {
		return
	}
	if len(r.history) >= 2*r.cfg.HistorySize { // so that moving them is rare
		r.history = append(r.history[:0], r.recent()...)
	}
	r.history = append(r.history, e)
}

// ForgetSince makes the room forget what it has shown since then, as a server that is
// killed before it has written it down.
func (s *Server) ForgetSince(at time.Time) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	since := func(e entry) bool { return !e.post.At.Before(at) }
	s.room.history, s.room.archive = forget(s.room.history, since), forget(s.room.archive, since)
}

// recent is the part of the history that the room admits to.
func (r *room) recent() []entry {
	return r.history[max(0, len(r.history)-max(0, r.cfg.HistorySize-1)):]
}

// replay sends the history that a join asks for (XEP-0045, section 7.2.14).
func (r *room) replay(s *session, limits *node) {
	list := r.history[max(0, len(r.history)-max(0, r.cfg.HistorySize)):]
	r.tellReplay(s, list, false)
	if limits != nil {
		list = limit(list, limits)
	}
	for _, e := range list {
		delay := r.delay(e)
		if r.profile.DelayFirst {
			s.sendLate(e.head, esc(s.jid), "'>", delay, e.inner, "</message>")
		} else {
			s.sendLate(e.head, esc(s.jid), "'>", e.inner, delay, "</message>")
		}
	}
}

// limit cuts a history to the strictest of the limits that were asked for.
func limit(list []entry, limits *node) []entry {
	if n, err := strconv.Atoi(limits.attr("maxstanzas")); err == nil {
		list = list[max(0, len(list)-max(0, n)):]
	}
	if n, err := strconv.Atoi(limits.attr("maxchars")); err == nil {
		list = limitChars(list, n)
	}
	var since time.Time
	if t, err := time.Parse(time.RFC3339, limits.attr("since")); err == nil {
		since = t
	}
	if n, err := strconv.Atoi(limits.attr("seconds")); err == nil {
		if t := time.Now().Add(-time.Duration(n) * time.Second); t.After(since) {
			since = t
		}
	}
	for len(list) > 0 && list[0].post.At.Before(since) {
		list = list[1:]
	}
	return list
}

// limitChars keeps the latest messages whose stanzas fit into n characters.
func limitChars(list []entry, n int) []entry {
	first := len(list)
	for first > 0 {
		e := list[first-1]
		if n -= len(e.head) + len(e.inner); n < 0 {
			break
		}
		first--
	}
	return list[first:]
}

// delay says when a message of the history was said (XEP-0203).
func (r *room) delay(e entry) string {
	from := r.jid
	if r.profile.DelayOccupant {
		from += "/" + e.post.Nick
	}
	at := e.stamp.UTC()
	out := "<delay xmlns='urn:xmpp:delay'" + attrs("from", from, "stamp", at.Format(stampLayout)) + "/>"
	if r.profile.LegacyDelay {
		out += "<x xmlns='jabber:x:delay'" + attrs("from", from, "stamp", at.Format("20060102T15:04:05")) + "/>"
	}
	return out
}
