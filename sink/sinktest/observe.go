package sinktest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxJoins bounds how many joins are remembered.
const maxJoins = 10_000

// Post is something that the room has shown.
type Post struct {
	Nick    string // of the author
	JID     string // bare address of the author; "" for PostAs
	ID      string // as the author sent it, whatever the reflection carries
	Body    string
	Subject string
	Inner   string // the children of the message as the author wrote them
	At      time.Time
	Remote  string // address of the connection that it came over; "" for PostAs
	Stay    int    // in the room, of the author, under all his nicknames: another number after he had left it; 0 for PostAs
}

// Join is an attempt to join the room.
type Join struct {
	ID                string // of the presence
	JID, Nick         string // full address, nickname as given in the end
	Password          string // as sent to the room
	MaxStanzas, Since string // of the history that was asked for
	Refused           string // condition of the error, "" for a join that succeeded
	At                time.Time
	Remote            string // address of the connection
}

// Session is a client that has logged in.
type Session struct {
	JID        string
	Nick       string // "" outside the room
	Mechanism  string
	DirectTLS  bool
	TLSVersion uint16 // 0 without TLS
	ALPN       string
	Remote     string // address of the connection
}

// Occupant is a nickname in the room.
type Occupant struct {
	Nick, JID string // JID is the bare address
	Sessions  int
}

// Stats counts what has happened since the start.
type Stats struct {
	Connections   int // accepted
	Logins        int
	LoginFailures int
	Joins         int // that succeeded
	JoinsRefused  int
	Posts         int // shown
	Bounced       int // by order of Bounce
	Lost          int // by order of LoseNext
}

// observed is what tests may look at. Guarded by room.mu, but for the watchers.
type observed struct {
	posts []Post
	joins []Join
	stats Stats
	next  chan struct{} // closed at the next change, nil if nobody waits

	watching   sync.Mutex
	watchers   []*func(Post) // never changed in place
	replayed   func(remote string, history []Post, archive bool)
	turnedAway func(Post)
}

func (o *observed) record(p Post, limit int) {
	if limit > 0 && len(o.posts) >= 2*limit { // so that moving them is rare
		o.posts = append(o.posts[:0], o.posts[len(o.posts)-limit:]...)
	}
	o.posts = append(o.posts, p)
	o.stats.Posts++
}

func (o *observed) join(j Join) {
	if j.Refused == "" {
		o.stats.Joins++
	} else {
		o.stats.JoinsRefused++
	}
	if len(o.joins) < maxJoins {
		o.joins = append(o.joins, j)
	}
}

// tellWatchers runs without room.mu, so that a watcher may order faults.
func (o *observed) tellWatchers(p Post) {
	if p.Body == "" && p.Subject == "" {
		return
	}
	o.watching.Lock()
	watchers := o.watchers
	o.watching.Unlock()
	for _, w := range watchers {
		(*w)(p)
	}
}

// signal wakes those who wait. r.mu is held.
func (r *room) signal() {
	if r.observed.next != nil {
		close(r.observed.next)
		r.observed.next = nil
	}
}

// nextChange returns a channel that is closed at the next change.
func (r *room) nextChange() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.observed.next == nil {
		r.observed.next = make(chan struct{})
	}
	return r.observed.next
}

// Transcript returns everything that the room has shown, in order; of a longer
// history only the latest Config.TranscriptSize posts.
func (s *Server) Transcript() []Post {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	posts := s.room.observed.posts
	if limit := s.cfg.TranscriptSize; limit > 0 && len(posts) > limit {
		posts = posts[len(posts)-limit:]
	}
	return slices.Clone(posts)
}

// Watch calls fn for every post after it is in the transcript and before anybody
// gets its reflection. fn must not block for long and must not call PostAs;
// anything else is allowed, faults too. The returned function ends the watch.
func (s *Server) Watch(fn func(Post)) (stop func()) {
	o := &s.room.observed
	o.watching.Lock()
	defer o.watching.Unlock()
	o.watchers = append(slices.Clone(o.watchers), &fn)
	return func() {
		o.watching.Lock()
		defer o.watching.Unlock()
		o.watchers = slices.DeleteFunc(slices.Clone(o.watchers), func(w *func(Post)) bool { return w == &fn })
	}
}

// WatchReplays calls fn with the history that a client can be told when it has joined,
// however little of it it asks for, and with each page of the archive. fn must not call
// the server.
func (s *Server) WatchReplays(fn func(remote string, history []Post, archive bool)) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.observed.replayed = fn
}

// WatchTurnedAway calls fn for every message to the room that it does not show, whatever
// the reason, before its sender is told. What goes together with its connection is not
// among them. fn must not call the server.
func (s *Server) WatchTurnedAway(fn func(Post)) {
	s.room.mu.Lock()
	defer s.room.mu.Unlock()
	s.room.observed.turnedAway = fn
}

// Wait returns when the condition holds. It is looked at whenever something has
// changed: a post, a join or leave, a session, a login, a statistic.
func (s *Server) Wait(ctx context.Context, condition func() bool) error {
	for {
		next := s.room.nextChange()
		if condition() {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return fmt.Errorf("wait for a change: %w", context.Cause(ctx))
		}
	}
}

// WaitPosts waits until the room has shown n posts in all, and returns the transcript.
func (s *Server) WaitPosts(ctx context.Context, n int) ([]Post, error) {
	if err := s.Wait(ctx, func() bool { return s.Stats().Posts >= n }); err != nil {
		return s.Transcript(), fmt.Errorf("wait for %d posts, have %d: %w", n, s.Stats().Posts, err)
	}
	return s.Transcript(), nil
}

// WaitOccupant waits until the nickname is in the room.
func (s *Server) WaitOccupant(ctx context.Context, nick string) error {
	inside := func() bool {
		return slices.ContainsFunc(s.Occupants(), func(o Occupant) bool { return o.Nick == nick })
	}
	if err := s.Wait(ctx, inside); err != nil {
		return fmt.Errorf("wait for occupant %q: %w", nick, err)
	}
	return nil
}
