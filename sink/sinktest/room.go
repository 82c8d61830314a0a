package sinktest

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
)

// room is the one chat room. Everything in it happens under mu; order is held
// in addition from the moment a message is shown until it is reflected, so that
// watchers run without mu and messages still keep one order for everybody.
type room struct {
	cfg     Config
	profile Profile
	jid     string

	order sync.Mutex
	mu    sync.Mutex

	occupants    []*occupant
	history      []entry
	archive      []entry // all of them, over restarts, if there is one
	archiveFault *archiveFault
	subject      entry
	password     string
	owner        string // bare address of the account that created the room
	exists       bool
	locked       bool         // new, and not configured yet
	tombstone    *StanzaError // what a destroyed room answers
	suspended    *StanzaError // what a suspended room answers
	banned       map[string]bool
	muted        map[string]bool
	members      map[string]string // affiliations that were given, by account
	options      map[string]string // what was configured

	ids      uint64       // of the room's own making
	stays    int          // of occupants, until now
	ahead    atomic.Int64 // how far its clock is ahead of ours
	faults   roomFaults
	observed observed
}

// occupant is a nickname in the room, with the sessions behind it. One that
// TakeNick has put there has no session and stays until FreeNick.
type occupant struct {
	nick, bare string
	stay       int // which one of all in the room this is
	sessions   []*session
}

func newRoom(cfg Config) *room {
	return &room{
		cfg: cfg, profile: cfg.Profile, jid: cfg.Room + "@" + cfg.Service,
		password: cfg.RoomPassword, exists: !cfg.RoomMissing,
		banned: map[string]bool{}, muted: map[string]bool{},
		members: map[string]string{}, options: map[string]string{},
	}
}

func (r *room) byNick(nick string) *occupant {
	i := slices.IndexFunc(r.occupants, func(o *occupant) bool { return o.nick == nick })
	if i < 0 {
		return nil
	}
	return r.occupants[i]
}

// attach puts a session behind a nickname and reports whether the nickname is new in the room.
func (r *room) attach(s *session, nick string) (o *occupant, fresh bool) {
	o = r.byNick(nick)
	if o == nil {
		r.stays++
		o, fresh = &occupant{nick: nick, bare: s.bare, stay: r.stays}, true
		r.occupants = append(r.occupants, o)
	}
	if !slices.Contains(o.sessions, s) {
		o.sessions = append(o.sessions, s)
	}
	s.occupant = o
	return o, fresh
}

// detach is the opposite of attach and reports whether the nickname is free now.
func (r *room) detach(s *session) bool {
	o := s.occupant
	s.occupant = nil
	o.sessions = slices.DeleteFunc(o.sessions, func(other *session) bool { return other == s })
	if len(o.sessions) > 0 {
		return false
	}
	r.remove(o)
	return true
}

func (r *room) remove(o *occupant) {
	r.occupants = slices.DeleteFunc(r.occupants, func(other *occupant) bool { return other == o })
}

// each calls fn for every session in the room.
func (r *room) each(fn func(*session)) {
	for _, o := range r.occupants {
		for _, s := range o.sessions {
			fn(s)
		}
	}
}

// absent says how a room that is not there answers, or that it does not answer at all.
func (r *room) absent() (e StanzaError, silent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.absence()
}

// absence is absent under the lock.
func (r *room) absence() (e StanzaError, silent bool) {
	switch {
	case r.suspended != nil:
		return *r.suspended, r.profile.SilentSuspend
	case r.exists:
		return StanzaError{}, false
	case r.tombstone != nil && !r.profile.RecreatesRoom:
		return *r.tombstone, false
	default:
		return StanzaError{Condition: "item-not-found"}, false
	}
}

// notJoined is the answer to somebody outside.
func (r *room) notJoined() StanzaError {
	return cmp.Or(r.profile.NotJoined, StanzaError{Type: "cancel", Condition: "not-acceptable"})
}

func (r *room) isInside(s *session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.occupant != nil
}

func (r *room) isNick(s *session, nick string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return s.occupant != nil && s.occupant.nick == nick
}

func (r *room) isOwner(s *session) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.owner == s.bare || s.isAdmin()
}

// forgetTombstone makes a destroyed room one that has never been.
func (r *room) forgetTombstone() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tombstone = nil
}

// features is what disco#info tells of the room.
func (r *room) features() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := []string{nsMUC, "muc_open"}
	if !r.cfg.RoomMissing || r.yes("persistentroom") {
		out = append(out, "muc_persistent")
	}
	if r.password != "" {
		out = append(out, "muc_passwordprotected")
	}
	if r.yes("moderatedroom") {
		out = append(out, "muc_moderated")
	}
	if r.profile.IDs == KeepIDs {
		out = append(out, nsMUC+"#stable_id")
	}
	if !r.profile.RoutesSelfPing {
		out = append(out, nsMUC+"#self-ping-optimization")
	}
	if !r.profile.NoOccupantIDs {
		out = append(out, nsOccupantID)
	}
	if r.profile.StanzaIDs {
		out = append(out, nsStanzaID)
	}
	if r.cfg.Archive {
		out = append(out, nsMAM)
	}
	return out
}

// setAvailable notes a session's initial presence.
func (r *room) setAvailable(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.available = true
	s.send("<presence"+attrs("from", s.jid, "to", s.jid)+"/>", "") // RFC 6121, section 4.2.2
}

// stopped forgets what a server forgets when it ends.
func (r *room) stopped() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.cfg.KeepHistory {
		r.history = nil
	}
	r.faults.held = nil
	r.signal()
}

// changed wakes those who wait for something to happen.
func (r *room) changed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.signal()
}

// freshID makes an id of the room's own.
func (r *room) freshID(prefix string) string {
	r.ids++
	return prefix + strconv.FormatUint(r.ids, 36)
}
