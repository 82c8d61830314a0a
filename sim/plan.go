package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Plan is all that a simulation decides: what there is, what is published, and what
// goes wrong when. A failing plan that has been made smaller is a regression test.
type Plan struct {
	Seed          uint64         `json:"seed"` // of the delays and of all randomness in the program
	Workers       int            `json:"workers"`
	InFlight      int            `json:"in_flight"`
	Bytes         int            `json:"bytes,omitempty"` // that may be pending; 0: no bound
	Room          Room           `json:"room"`
	Brokers       []Broker       `json:"brokers"`
	Notifications []Notification `json:"notifications"`
	Steps         []Step         `json:"steps,omitempty"`
}

// Room is the habits of the chat server.
type Room struct {
	Server  string `json:"server"`            // a profile of sinktest
	History int    `json:"history"`           // messages that the room remembers
	Keeps   bool   `json:"keeps,omitempty"`   // over a restart
	Archive bool   `json:"archive,omitempty"` // of all messages (XEP-0313)
	Stores  bool   `json:"stores,omitempty"`  // history and archive have what it swallows, too
	Direct  bool   `json:"direct,omitempty"`  // TLS from the first byte
}

// Broker is one source of notifications.
type Broker struct {
	Kind       string   `json:"kind"` // jetstream or kafka
	Wait       Duration `json:"wait"` // ack wait, or session timeout
	Partitions int      `json:"partitions,omitempty"`
}

// Notification is one message in a broker.
type Notification struct {
	At        Duration `json:"at"`
	Number    int      `json:"number"` // who publishes a number twice publishes an id twice
	Broker    int      `json:"broker,omitempty"`
	Partition int      `json:"partition,omitempty"`
	Text      int      `json:"text"`         // many have the same
	ID        bool     `json:"id,omitempty"` // the publisher gave it one
	Malformed bool     `json:"malformed,omitempty"`
	Length    int      `json:"length,omitempty"` // of the rest of the text, in bytes
}

// Step is something that happens.
type Step struct {
	At     Duration `json:"at"`
	Do     string   `json:"do"`
	Worker int      `json:"worker,omitempty"`
	Broker int      `json:"broker,omitempty"`
	For    Duration `json:"for,omitempty"` // until it is mended
	N      int      `json:"n,omitempty"`
	A      bool     `json:"a,omitempty"` // what else there is to decide
	B      bool     `json:"b,omitempty"`
}

// Duration is written as people write it.
type Duration time.Duration

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

func (d Duration) String() string { return time.Duration(d).String() }

// The places of a seed's choices.
const (
	texts     = 4 // so few that many notifications look alike
	mostSteps = 6
	mostNotes = 24
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
	p.Notifications = newNotifications(r, len(p.Brokers))
	for range r.IntN(mostSteps + 1) {
		p.Steps = append(p.Steps, p.newStep(r))
	}
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return int(a.At - b.At) })
	return p
}

func newRoom(r *rand.Rand) Room {
	servers := []string{"prosody", "prosody", "ejabberd", "openfire", "jabberd2", "vysper", "unstable"}
	return Room{
		Server: servers[r.IntN(len(servers))], History: []int{20, 20, 40, 5, 200}[r.IntN(5)],
		Keeps: r.IntN(2) == 0, Direct: r.IntN(2) == 0, Archive: r.IntN(4) == 0, Stores: r.IntN(4) == 0,
	}
}

func newBrokers(r *rand.Rand) []Broker {
	jetstream := Broker{Kind: "jetstream", Wait: Duration(time.Duration(1+r.IntN(30)) * time.Second)}
	kafka := Broker{Kind: "kafka", Wait: Duration(time.Duration(6+r.IntN(24)) * time.Second), Partitions: 1 + r.IntN(3)}
	switch r.IntN(5) {
	case 0, 1:
		return []Broker{jetstream}
	case 2, 3:
		return []Broker{kafka}
	default:
		return []Broker{jetstream, kafka}
	}
}

func newNotifications(r *rand.Rand, brokers int) []Notification {
	list := make([]Notification, 1+r.IntN(mostNotes))
	at := within(r, busy/4)
	for i := range list {
		n := Notification{
			At: Duration(at), Number: i, Broker: r.IntN(brokers), Partition: r.IntN(8), Text: r.IntN(texts),
			ID: r.IntN(2) == 0, Malformed: r.IntN(20) == 0, Length: []int{0, 0, 0, r.IntN(600)}[r.IntN(4)],
		}
		if n.Number > 0 && r.IntN(15) == 0 { // the same once more
			if twin := list[r.IntN(i)]; twin.ID {
				n.Number, n.ID, n.Text, n.Malformed, n.Length = twin.Number, true, twin.Text, twin.Malformed, twin.Length
			}
		}
		list[i] = n
		at += within(r, []time.Duration{time.Millisecond, 100 * time.Millisecond, 5 * time.Second}[r.IntN(3)])
	}
	return list
}

// within is a moment that nothing else has.
func within(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// newStep draws a fault. Half of them come when most happens: shortly after a
// notification was published.
func (p *Plan) newStep(r *rand.Rand) Step {
	kinds := p.kinds()
	kind := kinds[r.IntN(len(kinds))]
	s := Step{At: Duration(within(r, busy)), Do: kind, Worker: r.IntN(p.Workers), Broker: r.IntN(len(p.Brokers)), A: r.IntN(2) == 0, B: r.IntN(2) == 0}
	if r.IntN(2) == 0 {
		s.At = p.Notifications[r.IntN(len(p.Notifications))].At + Duration(within(r, 20*time.Millisecond))
	}
	s.For = Duration(within(r, []time.Duration{time.Second, 30 * time.Second, 3 * time.Minute}[r.IntN(3)]))
	s.N = 1 + r.IntN(5)
	return s
}

// kinds lists what may happen, sorted; what matters more is there more than once.
func (p *Plan) kinds() []string {
	var list []string
	for _, name := range faultNames() {
		for range faults()[name].weight {
			list = append(list, name)
		}
	}
	return list
}

// bounces reports whether a good notification may become a dead letter.
func (p *Plan) bounces() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return faults()[s.Do].refuses })
}

// parts reports whether a worker may leave a server that goes on.
func (p *Plan) parts() bool {
	return slices.ContainsFunc(p.Steps, func(s Step) bool { return faults()[s.Do].parts })
}

// ordered reports whether the notifications of a broker, or of each of its
// partitions, must be shown in their order.
func (p *Plan) ordered(broker int) bool {
	kafka := p.Brokers[broker].Kind == "kafka"
	if !kafka && p.Workers > 1 {
		return false
	}
	return !slices.ContainsFunc(p.Steps, func(s Step) bool {
		how := faults()[s.Do].reorder
		return how == everywhere || how == ofOne && !kafka
	})
}

// String names the plan in one line.
func (p *Plan) String() string {
	return fmt.Sprintf("seed %d: %d workers, %d brokers, %d notifications, %d steps", p.Seed, p.Workers, len(p.Brokers), len(p.Notifications), len(p.Steps))
}

// swallowed is how many messages the room may drop without a word. One that is dropped
// twice, while others are shown, may become a dead letter.
func (p *Plan) swallowed() (n int) {
	for _, s := range p.Steps {
		if s.Do == "lost" {
			n += s.N
		}
	}
	return n
}
