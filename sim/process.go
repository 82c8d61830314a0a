package sim

import (
	"math/rand/v2"
	"sync"
	"time"
)

// process is a worker's process as the world outside sees it. Once it is dead,
// nothing that the goroutines of the worker still do leaves it.
type process struct {
	name   string // the worker's number and which of its instances this is
	worker int

	mu      sync.Mutex
	random  *rand.Rand // of its dealings with brokers
	dead    bool
	died    time.Time
	links   []*link
	cut     time.Time // when it was cut off from the brokers
	offline time.Time // until when
}

func (p *process) isDead() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.dead
}

// own notes that l is a connection of the process.
func (p *process) own(l *link) {
	p.mu.Lock()
	dead := p.dead
	p.links = append(p.links, l)
	p.mu.Unlock()
	if dead {
		_ = l.client.Close()
	}
}

// last is the latest connection, nil if there was none.
func (p *process) last() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.links) == 0 {
		return nil
	}
	return p.links[len(p.links)-1]
}

// kill ends the process at once. The kernel closes its connections, unless the
// whole host has vanished: then the server is told nothing.
func (p *process) kill(host bool) {
	p.mu.Lock()
	p.dead, p.died = true, time.Now()
	links := p.links
	p.mu.Unlock()
	for _, l := range links {
		if host {
			l.vanish()
		} else {
			_ = l.client.Close()
		}
	}
}

// disconnect cuts the process off from the brokers for d.
func (p *process) disconnect(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut = time.Now()
	p.offline = p.cut.Add(d)
}

// reaches says when the process can reach the brokers: zero if it can now.
func (p *process) reaches() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.offline) {
		return p.offline
	}
	return time.Time{}
}

// below draws a duration.
func (p *process) below(d time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Duration(p.random.Int64N(int64(d)))
}

// coin draws one of two.
func (p *process) coin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.random.IntN(2) == 0
}
