package main

import (
	"context"
	"slices"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// room is the XMPP server with the one room, and a pair of eyes in it.
type room struct {
	*sinktest.Server
	screen *screen

	mu   sync.Mutex
	away bool // the worker has been seen to leave
}

func startRoom(s *screen) (*room, error) {
	srv, err := sinktest.Start(sinktest.Config{})
	if err != nil {
		return nil, err
	}
	r := &room{Server: srv, screen: s}
	r.Watch(func(p sinktest.Post) {
		r.sawReturn() // nobody speaks who is not there
		s.post(p.Nick, p.Body)
	})
	return r, nil
}

// waitUntil waits until the worker is in the room, or out of it.
func (r *room) waitUntil(ctx context.Context, inside bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return r.Wait(ctx, func() bool { return r.inside() == inside })
}

// inside reports whether the worker is in the room.
func (r *room) inside() bool {
	return slices.ContainsFunc(r.Occupants(), func(o sinktest.Occupant) bool { return o.Nick == account })
}

func (r *room) sawLeave(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = true
	r.screen.line(yellow, "room", "* "+account+" "+why)
}

func (r *room) sawReturn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.away {
		r.away = false
		r.screen.line(yellow, "room", "* "+account+" is back, and reads the history of the room")
	}
}
