package sim

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// world is one simulation at work. Its own goroutine, and timers of its own, do
// what the plan says, and each only when all others have nothing to do.
type world struct {
	plan    *Plan
	setup   *Setup
	see     *observer
	network *network
	server  *sinktest.Server
	brokers []model
	lives   []*life // by worker
	zombies sync.WaitGroup
	parts   bool // a worker may leave a server that goes on
	todo    []deed
}

// model is a broker.
type model interface {
	publish(number, partition int, body string)
	open(p *process) sources.Source
	expire()
	evict(p *process)
	upset(change func(*trouble))
}

// deed is something that is still to be done.
type deed struct {
	at   time.Time
	what string
	do   func()
}

// account is that of all workers.
const account = "notifier"

func newWorld(p *Plan, setup *Setup, see *observer) (*world, error) {
	w := &world{plan: p, setup: setup, see: see, network: newNetwork(p.Seed), lives: make([]*life, p.Workers), parts: p.parts()}
	server, err := sinktest.Start(sinktest.Config{
		Listen: w.network.listen, Authority: setup.authority, Mechanisms: []string{"PLAIN"},
		HistorySize: p.Room.History, KeepHistory: p.Room.Keeps, Archive: p.Room.Archive, StoresUnshown: p.Room.Stores && !p.Room.keepsIDs(), Profile: p.Room.profile(),
	})
	if err != nil {
		return nil, err
	}
	w.server = server
	server.Watch(see.posted)
	server.WatchReplays(func(remote string, history []sinktest.Post, archive bool) {
		see.replayed(w.network.find(remote), history, archive)
	})
	for i, b := range p.Brokers {
		random := w.random(i)
		if b.Kind == "kafka" {
			w.brokers = append(w.brokers, newGroup(see, random, p.ordered(i), b.Partitions, time.Duration(b.Wait)))
		} else {
			w.brokers = append(w.brokers, newStream(see, random, p.ordered(i), time.Duration(b.Wait)))
		}
	}
	return w, nil
}

// random is one of many sources of randomness that the seed decides.
func (w *world) random(number int) *rand.Rand {
	return rand.New(rand.NewPCG(w.plan.Seed, uint64(1<<32+number))) //nolint:gosec // a simulation
}

// profile is the one of that name.
func (r Room) profile() sinktest.Profile {
	switch r.Server {
	case "ejabberd":
		return sinktest.Ejabberd()
	case "openfire":
		return sinktest.Openfire()
	case "jabberd2":
		return sinktest.Jabberd2()
	case "vysper":
		return sinktest.Vysper()
	case "unstable":
		return sinktest.Unstable()
	default:
		return sinktest.Prosody()
	}
}

func (r Room) keepsIDs() bool { return r.profile().IDs == sinktest.KeepIDs }

// schedule takes over what the plan says.
func (w *world) schedule() {
	for i := range w.plan.Workers {
		w.later(time.Duration(i)*time.Millisecond+time.Duration(i), "", func() { w.start(i, false) })
	}
	for _, n := range w.plan.Notifications {
		w.later(time.Duration(n.At), "", func() { w.brokers[n.Broker].publish(n.Number, n.Partition, n.body()) })
	}
	for _, s := range w.plan.Steps {
		f := faults()[s.Do]
		w.later(time.Duration(s.At), fmt.Sprintf("%s (%s, worker %d)", f.what, s.Do, s.Worker), func() { f.run(w, s) })
	}
}

// later has something done at a time after the start.
func (w *world) later(at time.Duration, what string, do func()) {
	w.todo = append(w.todo, deed{w.see.start.Add(at), what, do})
}

// after has something mended.
func (w *world) after(d Duration, what string, do func()) {
	w.todo = append(w.todo, deed{time.Now().Add(time.Duration(d)), what, do})
}

// next takes the first deed.
func (w *world) next() (deed, bool) {
	if len(w.todo) == 0 {
		return deed{}, false
	}
	first := 0
	for i, d := range w.todo {
		if d.at.Before(w.todo[first].at) {
			first = i
		}
	}
	d := w.todo[first]
	w.todo = append(w.todo[:first], w.todo[first+1:]...)
	return d, true
}

// patience is how long everything may take once nothing is broken.
const patience = time.Hour

// run does everything, waits until all is well, and ends.
func (w *world) run() {
	w.schedule()
	for d, ok := w.next(); ok; d, ok = w.next() {
		idle(time.Until(d.at))
		if d.what != "" {
			w.see.tell("%s", d.what)
		}
		d.do()
	}
	w.server.ClearFaults()
	for end := time.Now().Add(patience); time.Now().Before(end) && !w.well(); {
		idle(time.Second + 17*time.Microsecond)
	}
	w.see.ended(w.processes(), w.absent())
	for _, l := range w.lives {
		l.cancel()
	}
	w.zombies.Wait()
	w.server.Close()
}

// idle lets virtual time pass, and everything happen that happens by then.
func idle(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
	synctest.Wait()
}

// processes are those that should be at work.
func (w *world) processes() []*process {
	list := make([]*process, len(w.lives))
	for i, l := range w.lives {
		list[i] = l.process
	}
	return list
}

// well reports whether there is nothing left to do, and everybody is in the room.
func (w *world) well() bool { return w.see.done(w.processes()) && len(w.absent()) == 0 }

// absent are the processes that the server has not in the room, whatever they think.
func (w *world) absent() (list []*process) {
	present := map[string]bool{}
	for _, s := range w.server.Sessions() {
		present[s.Remote] = s.Nick != ""
	}
	for _, p := range w.processes() {
		if l := p.last(); l == nil || !present[l.name] {
			list = append(list, p)
		}
	}
	return list
}

// startServer brings the server back.
func (w *world) startServer() {
	if err := w.server.Start(); err != nil {
		panic(err)
	}
}

// makeRoom makes the room. Where a worker's join has just made one, that may be about
// to be taken back.
func (w *world) makeRoom() {
	if !w.server.CreateRoom() && !w.see.inside() {
		w.after(Duration(5*time.Second), "the room is made again", w.makeRoom)
	}
}

// nick is the nickname that a worker wants.
func (w *world) nick(worker int) string { return fmt.Sprintf("bot%d", worker) }

// onLink does something to the worker's connection, if it has one.
func (w *world) onLink(s Step, do func(*link)) {
	if l := w.lives[s.Worker].process.last(); l != nil {
		do(l)
	}
}

// disconnect cuts a process off from all brokers.
func (w *world) disconnect(p *process, d time.Duration) {
	p.disconnect(d)
	w.noticed(p)
}

// noticed has the brokers find out after their time that a process is away.
func (w *world) noticed(p *process) {
	for i, b := range w.plan.Brokers {
		time.AfterFunc(time.Duration(b.Wait)+time.Millisecond, func() { w.brokers[i].upset(func(*trouble) {}) })
		if b.Kind == "kafka" {
			time.AfterFunc(time.Duration(b.Wait)+time.Millisecond, func() {
				if p.isDead() || !p.reaches().IsZero() {
					w.brokers[i].evict(p)
				}
			})
		}
	}
}

// repeatPosts has somebody say again what workers said last, with the same ids.
func (w *world) repeatPosts(nick string, n int) {
	posts := w.server.Transcript()
	for _, p := range posts[max(0, len(posts)-n):] {
		w.server.PostAs(nick, p.ID, p.Body)
	}
}

func textOf(n int) string { return fmt.Sprintf("R&D: disk <db-%d> is almost full", n) }

// body is the message as its publisher wrote it.
func (n Notification) body() string {
	switch {
	case n.Malformed:
		return `{"subject":`
	case n.ID:
		return fmt.Sprintf(`{"id":"n%d","source":"sim","subject":%q,"message":%q}`, n.Number, textOf(n.Text), n.rest())
	default:
		return fmt.Sprintf(`{"subject":%q,"message":%q}`, textOf(n.Text), n.rest())
	}
}

// rest is the text behind the first line.
func (n Notification) rest() string { return strings.Repeat("x", n.Length) }
