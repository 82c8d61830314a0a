package sim

import (
	"regexp"
	"slices"
	"time"
)

// Shrink makes a failing plan smaller as long as it fails in the same way: fewer
// faults, fewer notifications, fewer workers, simpler habits. fails carries a plan
// out and returns what was wrong. Goroutines make a run a little different each
// time, so a plan must fail twice to count.
func Shrink(p *Plan, fails func(*Plan) []string) *Plan {
	kind := Kind(fails(p))
	same := func(c *Plan) bool {
		first := Kind(fails(c))
		return first == kind && Kind(fails(c)) == first
	}
	if kind == "" || !same(p) {
		return p
	}
	for smaller := true; smaller; {
		smaller = false
		for _, c := range candidates(p) {
			if same(c) {
				p, smaller = c, true
				break
			}
		}
	}
	return p
}

var figures = regexp.MustCompile(`[0-9]+(\.[0-9]+)?`)

// Kind is the first violation without its numbers, "" if there is none.
func Kind(violations []string) string {
	if len(violations) == 0 {
		return ""
	}
	return figures.ReplaceAllString(violations[0], "N")
}

// candidates are plans a little smaller than p, the smallest first.
func candidates(p *Plan) []*Plan {
	var list []*Plan
	add := func(change func(*Plan) bool) {
		c := p.clone()
		if change(c) {
			list = append(list, c)
		}
	}
	for size := len(p.Steps); size > 0; size /= 2 {
		for i := 0; i+size <= len(p.Steps); i += size {
			add(func(c *Plan) bool { c.Steps = slices.Delete(c.Steps, i, i+size); return true })
		}
	}
	for size := len(p.Notifications) / 2; size > 0; size /= 2 {
		for i := 0; i+size <= len(p.Notifications); i += size {
			add(func(c *Plan) bool { c.Notifications = slices.Delete(c.Notifications, i, i+size); return true })
		}
	}
	if p.Workers > 1 {
		add(func(c *Plan) bool { return c.only(1) })
		add(func(c *Plan) bool { return c.only(c.Workers - 1) })
	}
	if len(p.Brokers) > 1 {
		for keep := range p.Brokers {
			add(func(c *Plan) bool { return c.keep(keep) })
		}
	}
	list = append(list, simpler(p)...)
	return list
}

// simpler are plans of the same size with fewer peculiarities.
func simpler(p *Plan) []*Plan {
	var list []*Plan
	add := func(change func(*Plan) bool) {
		c := p.clone()
		if change(c) {
			list = append(list, c)
		}
	}
	add(func(c *Plan) bool { c.Room.Direct = false; return p.Room.Direct })
	add(func(c *Plan) bool { c.Room.Keeps = false; return p.Room.Keeps })
	add(func(c *Plan) bool { c.Room.Archive = false; return p.Room.Archive })
	add(func(c *Plan) bool { c.Room.Stores = false; return p.Room.Stores })
	add(func(c *Plan) bool { c.Room.Server = "prosody"; return p.Room.Server != "prosody" })
	add(func(c *Plan) bool { c.Room.History = 20; return p.Room.History != 20 })
	add(func(c *Plan) bool { c.InFlight = 16; return p.InFlight != 16 })
	add(func(c *Plan) bool { c.Bytes = 0; return p.Bytes != 0 })
	add(func(c *Plan) bool { c.Group = 0; return p.Group != 0 })
	add(func(c *Plan) bool { c.Digest = Digest{}; return p.Digest != Digest{} })
	add(func(c *Plan) bool { c.MaxAge = 0; return p.MaxAge != 0 })
	add(func(c *Plan) bool { c.Room.Answers = ""; return p.Room.Answers != "" })
	for i, b := range p.Brokers {
		add(func(c *Plan) bool { c.Brokers[i].SlowAcks = 0; return b.SlowAcks != 0 })
		add(func(c *Plan) bool { c.Brokers[i].Ahead = 0; return b.Ahead != 0 })
	}
	for i, n := range p.Notifications {
		add(func(c *Plan) bool { c.Notifications[i].Malformed = false; return n.Malformed })
		add(func(c *Plan) bool { c.Notifications[i].Length = 0; return n.Length != 0 })
		add(func(c *Plan) bool { c.Notifications[i].Partition = 0; return n.Partition != 0 })
		add(func(c *Plan) bool { c.Notifications[i].Parts = 0; return n.Parts != 0 })
	}
	for i, s := range p.Steps {
		add(func(c *Plan) bool { c.Steps[i].N = 1; return s.N > 1 })
		add(func(c *Plan) bool {
			c.Steps[i].For = Duration(time.Second)
			return time.Duration(s.For) > time.Second
		})
	}
	return list
}

func (p *Plan) clone() *Plan {
	c := *p
	c.Brokers, c.Notifications, c.Steps = slices.Clone(p.Brokers), slices.Clone(p.Notifications), slices.Clone(p.Steps)
	return &c
}

// only leaves so many workers.
func (p *Plan) only(workers int) bool {
	p.Workers = workers
	for i := range p.Steps {
		p.Steps[i].Worker %= workers
	}
	return true
}

// keep leaves one broker.
func (p *Plan) keep(broker int) bool {
	p.Brokers = []Broker{p.Brokers[broker]}
	for i := range p.Steps {
		p.Steps[i].Broker = 0
	}
	for i := range p.Notifications {
		p.Notifications[i].Broker = 0
	}
	return true
}
