package sim

import (
	"errors"
	"math/rand/v2"
	"time"
)

// link is one connection: a pipe up to the server and one down to the worker.
type link struct {
	name           string // what the server sees as the other end's address
	owner          *process
	up, down       *pipe
	client, server *conn
}

func newLink(name string, owner *process, random *rand.Rand) *link {
	number := func() *rand.Rand { return rand.New(rand.NewPCG(random.Uint64(), random.Uint64())) } //nolint:gosec // a simulation
	l := &link{name: name, owner: owner, up: newPipe(number()), down: newPipe(number())}
	l.client = &conn{in: l.down, out: l.up, peer: "server"}
	l.server = &conn{in: l.up, out: l.down, peer: address(name)}
	return l
}

// reset ends the link for both ends. What is on its way still arrives or not,
// in each direction.
func (l *link) reset(upArrives, downArrives bool) {
	l.up.reset(upArrives)
	l.down.reset(downArrives)
}

// endForServer ends the link for the server alone. The worker is told when it writes, or
// never, if all that it writes vanishes on its way.
func (l *link) endForServer(arrives, vanishes bool) {
	l.down.discard()
	if vanishes {
		l.up.change(func() { l.up.discards, l.up.ended = true, time.Now().Add(l.up.delay()) })
	} else {
		l.up.reset(arrives)
	}
}

// hold keeps everything back that is on its way or will be, for d.
func (l *link) hold(d time.Duration) {
	l.up.hold(d)
	l.down.hold(d)
}

// heldSince reports whether anything was kept back since then.
func (l *link) heldSince(t time.Time) bool {
	held := func(p *pipe) bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.held.After(t)
	}
	return held(l.up) || held(l.down)
}

// abandoned reports whether the worker has closed its end.
func (l *link) abandoned() bool {
	l.client.mu.Lock()
	defer l.client.mu.Unlock()
	return l.client.closed
}

// errReset is what both ends of a broken link are told.
var errReset = errors.New("connection reset by peer")

// vanish ends the worker's side. The server hears nothing of it: what was sent
// arrives, and what it sends from now on gets no answer.
func (l *link) vanish() {
	l.client.mu.Lock()
	l.client.closed = true
	l.client.mu.Unlock()
	l.down.change(func() { l.down.discards, l.down.queue, l.down.size = true, nil, 0 })
	l.up.change(func() {})
}
