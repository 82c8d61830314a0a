package sinktest

import (
	"slices"
	"strconv"
	"time"
)

const (
	nsMAM     = "urn:xmpp:mam:2"
	nsRSM     = "http://jabber.org/protocol/rsm"
	nsForward = "urn:xmpp:forward:0"
)

// mostInPage is how many messages one answer of the archive holds, as in Prosody.
const mostInPage = 50

// archiveFault is how the archive behaves instead of answering.
type archiveFault struct {
	silent bool
	err    StanzaError
	slow   time.Duration // it answers, but takes its time
}

// RefuseArchive answers queries of the archive with an error, or not at all, until
// AnswerArchive.
func (s *Server) RefuseArchive(e StanzaError, silent bool) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.archiveFault = &archiveFault{silent: silent, err: e.orUnavailable()}
}

// DelayArchive lets queries of the archive take that long, until AnswerArchive.
func (s *Server) DelayArchive(perPage time.Duration) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.archiveFault = &archiveFault{slow: perPage}
}

// AnswerArchive ends RefuseArchive and DelayArchive.
func (s *Server) AnswerArchive() {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.archiveFault = nil
}

// archiveIQ answers a query of the archive (XEP-0313): one page, the latest before
// the one that is named.
func (s *session) archiveIQ(n, query *node) {
	room := s.srv.room
	room.mu.Lock()
	defer room.mu.Unlock()
	fault := room.archiveFault
	if fault != nil && fault.slow > 0 {
		room.mu.Unlock()
		pause(s.wire.done, fault.slow)
		room.mu.Lock()
		fault = nil
	}
	switch {
	case fault != nil && fault.silent:
	case fault != nil:
		s.bounce(n, fault.err)
	case s.occupant == nil:
		s.bounce(n, StanzaError{Condition: "forbidden"})
	default:
		s.page(n, query)
	}
}

// page sends one page. room.mu is held.
func (s *session) page(n, query *node) {
	room := s.srv.room
	size, end := mostInPage, len(room.archive)
	if set := query.child(nsRSM, "set"); set != nil {
		if most, err := strconv.Atoi(set.childTextNS(nsRSM, "max")); err == nil {
			size = max(0, min(size, most))
		}
		if before, err := strconv.Atoi(set.childTextNS(nsRSM, "before")); err == nil {
			end = max(0, min(end, before-1)) // ids count from 1
		}
	}
	begin := max(0, end-size)
	room.tellReplay(s, room.archive[begin:end], true)
	for i, e := range room.archive[begin:end] {
		s.send("<message"+attrs("from", room.jid, "to", s.jid)+">",
			"<result"+attrs("xmlns", nsMAM, "queryid", query.attr("queryid"), "id", strconv.Itoa(begin+i+1))+">",
			"<forwarded xmlns='"+nsForward+"'>", room.delay(e), e.head, "' xmlns='", nsClient, "'>", e.inner, "</message></forwarded></result></message>")
	}
	set := ""
	if begin < end {
		set = "<first>" + strconv.Itoa(begin+1) + "</first><last>" + strconv.Itoa(end) + "</last>"
	}
	complete := ""
	if begin == 0 {
		complete = "true"
	}
	s.result(n, "<fin"+attrs("xmlns", nsMAM, "complete", complete)+"><set xmlns='"+nsRSM+"'>"+set+"</set></fin>")
}

// tellReplay tells whoever watches what a client can be told now.
func (r *room) tellReplay(s *session, list []entry, archive bool) {
	if r.observed.replayed == nil {
		return
	}
	posts := make([]Post, len(list))
	for i, e := range list {
		posts[i] = e.post
	}
	r.observed.replayed(s.remote(), posts, archive)
}

// forget returns the list without its end.
func forget(list []entry, end func(entry) bool) []entry {
	for len(list) > 0 && end(list[len(list)-1]) {
		list = list[:len(list)-1]
	}
	return slices.Clip(list)
}
