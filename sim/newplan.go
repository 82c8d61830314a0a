package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// The bounds of a seed's choices.
const (
	texts     = 4 // so few that many notifications look alike
	mostSteps = 6
	mostNotes = 24
	mostParts = 3
	busy      = 90 * time.Second // within which everything is published and goes wrong
)

// NewPlan makes the plan of a seed.
func NewPlan(seed uint64) *Plan {
	r := rand.New(rand.NewPCG(seed, 0x706c616e)) //nolint:gosec // a simulation
	p := &Plan{Seed: seed, Workers: 1, InFlight: 1 + r.IntN(16)}
	if r.IntN(2) == 0 {
		p.Workers = 1 + r.IntN(4)
	}
	if r.IntN(3) == 0 {
		p.Bytes = 300 + r.IntN(3000)
	}
	p.Room = newRoom(r)
	p.Brokers = newBrokers(r)
	p.Group = oneIn(r, 3, 2)
	p.Digest = oneIn(r, 2, Digest{
		After: fmt.Sprintf("%d/%ds", 1+r.IntN(5), 1+r.IntN(60)), Every: Duration(100*time.Millisecond + within(r, 10*time.Second)), Max: 2 + r.IntN(8),
	})
	p.Notifications = newNotifications(r, len(p.Brokers), oneIn(r, 3, mostParts))
	for range r.IntN(mostSteps + 1) {
		kinds := kinds(false)
		p.Steps = append(p.Steps, p.newStep(r, kinds[r.IntN(len(kinds))]))
	}
	p.coincide(r)
	p.drawUrgent(r)
	p.drawResolved(r)
	p.drawMore(r)
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return int(a.At - b.At) })
	p.limitForGood()
	return p
}

// coincide has things come together that alone prove little: a worker is new to the room,
// what the history has under its nickname says the same as its first message, and the
// connection ends before the room has shown that.
func (p *Plan) coincide(r *rand.Rand) {
	for _, s := range p.Steps {
		begins := s.At
		switch s.Do {
		case "past":
		case "new-key":
			begins += s.For
		default:
			continue
		}
		if r.IntN(2) == 0 {
			p.Steps = append(p.Steps, Step{At: begins, Do: "cut-before-post", N: 1})
		}
		if r.IntN(2) == 0 {
			p.sayTheSame()
		}
	}
}

// sayTheSame gives all notifications the text of the first.
func (p *Plan) sayTheSame() {
	first := p.Notifications[0]
	for i := range p.Notifications {
		p.Notifications[i].Text, p.Notifications[i].Length = first.Text, first.Length
	}
}

// drawUrgent makes some notifications so bad that they do not wait for a digest.
func (p *Plan) drawUrgent(r *rand.Rand) {
	if p.Digest == (Digest{}) {
		return
	}
	drawn := map[int]bool{} // by number: who publishes one twice says the same
	for i := range p.Notifications {
		n := &p.Notifications[i]
		if _, known := drawn[n.Number]; !known {
			drawn[n.Number] = r.IntN(6) == 0
		}
		n.Urgent = drawn[n.Number]
	}
}

// drawResolved has some notifications tell that what an earlier one told is over, and
// sometimes also of that end that it is over.
func (p *Plan) drawResolved(r *rand.Rand) {
	if p.Resolved = oneIn(r, 3, []string{"edit", "both"}[r.IntN(2)]); p.Resolved == "" {
		return
	}
	p.EditWithin = r.IntN(8)
	drawn := map[int]*Notification{} // by number: who publishes one twice says the same
	var earlier []*Notification
	for i := range p.Notifications {
		n := &p.Notifications[i]
		if !n.ID || n.Parts > 0 || n.Malformed {
			continue
		}
		if first := drawn[n.Number]; first != nil {
			n.Resolves, n.Text = first.Resolves, first.Text
			continue
		}
		if len(earlier) > 0 && r.IntN(2) == 0 {
			of := earlier[len(earlier)-1-r.IntN(min(3, len(earlier)))]
			n.Resolves, n.Text = &of.Number, of.Text
		}
		drawn[n.Number] = n
		earlier = append(earlier, n)
	}
}

// drawMore adds to some plans what others do not have: one of the rare faults, or a
// fault that lasts hours. It is drawn last, so that all else of a seed is as it was before
// these were thought of.
func (p *Plan) drawMore(r *rand.Rand) {
	if r.IntN(6) == 0 {
		kinds := kinds(true)
		p.Steps = append(p.Steps, p.newStep(r, kinds[r.IntN(len(kinds))]))
	}
	if len(p.Steps) > 0 && r.IntN(12) == 0 {
		p.Steps[r.IntN(len(p.Steps))].For *= 100
	}
	if r.IntN(6) == 0 && !p.forGood() { // else what is published later may expire, and prove nothing of the room
		p.MaxAge = Duration(time.Second + within(r, 2*time.Minute))
		p.Steps = append(p.Steps, p.newStep(r, "broker-clock"))
	}
}

// limitForGood leaves no more notifications to be refused for good than a worker may have
// in flight, and room for others: else it cannot know that it is not the room.
func (p *Plan) limitForGood() {
	n := 0
	p.Steps = slices.DeleteFunc(p.Steps, func(s Step) bool {
		if !faults()[s.Do].forGood {
			return false
		}
		n++
		p.Bytes = 0
		return n > p.InFlight
	})
}

// oneIn is n in one of so many plans, and 0 in the others.
func oneIn[T any](r *rand.Rand, plans int, n T) (out T) {
	if r.IntN(plans) == 0 {
		return n
	}
	return out
}

func newRoom(r *rand.Rand) Room {
	servers := []string{"prosody", "prosody", "ejabberd", "openfire", "jabberd2", "vysper", "unstable"}
	return Room{
		Server: servers[r.IntN(len(servers))], History: []int{20, 20, 40, 5, 200}[r.IntN(5)],
		Keeps: r.IntN(2) == 0, Direct: r.IntN(2) == 0, Archive: r.IntN(3) == 0, Stores: r.IntN(4) == 0,
		Answers: []string{"", "", "", "refuse", "ignore", "delay"}[r.IntN(6)],
	}
}

func newBrokers(r *rand.Rand) []Broker {
	jetstream := Broker{Kind: "jetstream", Wait: Duration(time.Duration(1+r.IntN(30)) * time.Second)}
	kafka := Broker{Kind: "kafka", Wait: Duration(time.Duration(6+r.IntN(24)) * time.Second), Partitions: 1 + r.IntN(3)}
	for _, b := range []*Broker{&jetstream, &kafka} {
		b.SlowAcks = oneIn(r, 4, Duration(within(r, 20*time.Second)))
		b.Ahead = oneIn(r, 4, Duration(within(r, 2*time.Hour)-time.Hour))
	}
	switch r.IntN(5) {
	case 0, 1:
		return []Broker{jetstream}
	case 2, 3:
		return []Broker{kafka}
	default:
		return []Broker{jetstream, kafka}
	}
}

// newNotifications draws the messages. Some of them hold several notifications, up to
// most.
func newNotifications(r *rand.Rand, brokers, most int) []Notification {
	list := make([]Notification, 1+r.IntN(mostNotes))
	at, next := within(r, busy/4), 0
	for i := range list {
		n := Notification{
			At: Duration(at), Number: next, Broker: r.IntN(brokers), Partition: r.IntN(8), Text: r.IntN(texts),
			ID: r.IntN(2) == 0, Malformed: r.IntN(20) == 0, Length: []int{0, 0, 0, r.IntN(600)}[r.IntN(4)],
		}
		if most > 0 && r.IntN(2) == 0 && !n.Malformed {
			n.Parts = 1 + r.IntN(most)
		}
		if i > 0 && n.Parts == 0 && r.IntN(15) == 0 { // the same once more
			if twin := list[r.IntN(i)]; twin.ID && twin.Parts == 0 {
				n.Number, n.ID, n.Text, n.Malformed, n.Length = twin.Number, true, twin.Text, twin.Malformed, twin.Length
			}
		}
		list[i] = n
		next = max(next, n.Number+max(1, n.Parts))
		at += within(r, []time.Duration{time.Millisecond, 100 * time.Millisecond, 5 * time.Second}[r.IntN(3)])
	}
	return list
}

// within is a moment that nothing else has.
func within(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// newStep draws a fault of a kind. Half of them come when most happens: shortly after a
// notification was published.
func (p *Plan) newStep(r *rand.Rand, kind string) Step {
	s := Step{At: Duration(within(r, busy)), Do: kind, Worker: r.IntN(p.Workers), Broker: r.IntN(len(p.Brokers)), A: r.IntN(2) == 0, B: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		s.At = p.Notifications[r.IntN(len(p.Notifications))].At + Duration(within(r, 20*time.Millisecond))
	}
	if kind == "past" && s.A { // when the workers come for the first time
		s.At = Duration(time.Duration(p.Workers) * time.Millisecond)
	}
	s.For = Duration(within(r, []time.Duration{time.Second, 30 * time.Second, 3 * time.Minute}[r.IntN(3)]))
	s.N = 1 + r.IntN(5)
	return s
}

// kinds lists what may happen, sorted; what matters more is there more than once.
func kinds(rare bool) []string {
	var list []string
	for _, name := range faultNames() {
		if f := faults()[name]; f.rare == rare {
			list = append(list, slices.Repeat([]string{name}, f.weight)...)
		}
	}
	return list
}
