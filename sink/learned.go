package sink

import (
	"errors"
	"sync/atomic"
	"time"
)

// learned is what sessions have learnt about the room and its server, for those
// that follow.
type learned struct {
	maxBytes    int       // longest stanza that the server takes
	bytesUntil  time.Time // when it may be tried again whether it takes longer ones
	skipArchive bool      // it did not answer in time the last time
	archive     bool      // it has answered, and not refused since
	depth       depth
	clock       clock
	// Who takes our nickname and frees it, again and again, must not end our
	// sessions at will.
	nickBackAfter time.Time
	limited       atomic.Bool // it has asked us to wait, and the log says so
	rateLogged    bool        // and how fast it takes messages
	unshown       string      // id of the message that it last did not show, as the log says
	keepsIDs      atomic.Bool // the room has reflected one of ours
	losesIDs      bool        // it has proven that it does not keep them
	originIDs     atomic.Bool // so they are sent
}

// bytesFor is how long longer messages are cut after the server has refused one. It
// may have refused something else, or take more by then.
const bytesFor = time.Hour

// stanzaBytes is how long a stanza may be.
func (r *Room) stanzaBytes(now time.Time) int {
	if now.After(r.learned.bytesUntil) {
		r.learned.maxBytes = r.cfg.MaxStanzaBytes
	}
	return r.learned.maxBytes
}

// learn takes over what a session has learnt. late says that there was not enough
// time to enter the room.
func (r *Room) learn(s *session, late bool) {
	l := &r.learned
	if errors.Is(s.conn.End(), errNickFree) {
		l.nickBackAfter = time.Now().Add(undisturbedSession)
	}
	if s.newLimit > 0 && s.newLimit < l.maxBytes {
		l.maxBytes, l.bytesUntil = s.newLimit, time.Now().Add(bytesFor)
		r.log.Warn("the server refused a long message: longer ones are cut from now on; set XMPP_MAX_STANZA_BYTES to its limit", "bytes", s.newLimit)
	}
	if l.skipArchive = late && s.phase == catching && s.catchup.archive.pages > 0; l.skipArchive {
		r.log.Warn("the archive of the room did not answer in time: doing without it", "room", r.cfg.Room)
	}
}
