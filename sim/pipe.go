package sim

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// capacity is how many bytes a pipe holds before its writer has to wait.
const capacity = 1 << 20

// pipe is one direction of a link.
type pipe struct {
	mu           sync.Mutex
	random       *rand.Rand
	changed      chan struct{} // closed and replaced when something has
	queue        []segment
	size         int
	last         time.Time // when the last one arrives
	held         time.Time // nothing arrives before
	total        int       // bytes written
	cutAfter     int       // bytes after which cut is called, 0: never
	cut          func()
	discards     bool      // what is written vanishes
	ended        time.Time // by the writer; zero: not
	failed       time.Time // for both ends; zero: not
	readerClosed bool      // the reader has closed
}

type segment struct {
	at   time.Time
	data []byte
}

func newPipe(random *rand.Rand) *pipe {
	return &pipe{random: random, changed: make(chan struct{})}
}

// delay is that of the next piece.
func (p *pipe) delay() time.Duration {
	return leastDelay + time.Duration(p.random.Int64N(int64(mostDelay-leastDelay)))
}

// signal wakes whoever waits. p.mu is held.
func (p *pipe) signal() {
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *pipe) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.signal()
}

func (p *pipe) reset(arrives bool) {
	p.change(func() {
		if p.failed.IsZero() && !p.discards {
			p.failed = time.Now().Add(p.delay())
		}
		if !arrives {
			p.queue, p.size = nil, 0
		}
	})
}

func (p *pipe) hold(d time.Duration) {
	p.change(func() {
		until := time.Now().Add(d)
		if p.held.Before(until) {
			p.held = until
		}
		for i := range p.queue {
			if p.queue[i].at.Before(until) {
				p.queue[i].at = until
			}
		}
		if p.last.Before(until) {
			p.last = until
		}
	})
}

// discard makes everything vanish that is written from now on.
func (p *pipe) discard() { p.change(func() { p.discards = true }) }

// cutAt calls cut once n more bytes have been written.
func (p *pipe) cutAt(n int, cut func()) {
	p.change(func() { p.cutAfter, p.cut = p.total+n, cut })
}

// put takes as much of data as there is room for.
func (p *pipe) put(data []byte) (n int, cut func()) {
	n = min(len(data), max(0, capacity-p.size))
	if p.cut != nil && p.total+n >= p.cutAfter {
		n, cut = p.cutAfter-p.total, p.cut
		p.cut = nil
	}
	p.total += n
	if p.readerClosed && p.failed.IsZero() && !p.discards { // as the answer of a host that knows nothing of the connection
		p.failed = time.Now().Add(p.delay())
	}
	if n == 0 || p.discards || p.readerClosed {
		return n, cut
	}
	at := time.Now().Add(p.delay())
	if at.Before(p.held) {
		at = p.held
	}
	if !at.After(p.last) {
		at = p.last.Add(time.Microsecond)
	}
	p.last = at
	p.queue = append(p.queue, segment{at, append([]byte(nil), data[:n]...)})
	p.size += n
	p.signal()
	return n, cut
}

// take reads what has arrived. wait is when to look again, zero for not before
// something changes.
func (p *pipe) take(data []byte) (n int, wait time.Time, err error) {
	if len(p.queue) > 0 {
		s := &p.queue[0]
		if now := time.Now(); s.at.After(now) {
			return 0, s.at, nil
		}
		n = copy(data, s.data)
		p.size -= n
		if s.data = s.data[n:]; len(s.data) == 0 {
			p.queue = p.queue[1:]
		}
		return n, wait, nil
	}
	switch {
	case passed(p.failed):
		return 0, wait, &net.OpError{Op: "read", Net: "tcp", Err: errReset}
	case passed(p.ended):
		return 0, wait, io.EOF
	default:
		return 0, earliest(p.failed, p.ended), nil
	}
}
