package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// world is one simulation at work. Its own goroutine, and timers of its own, do
// what the plan says, and each only when all others have nothing to do.
type world struct {
	plan      *Plan
	setup     *Setup
	obs       *observer
	network   *network
	server    *sinktest.Server
	brokers   []model
	instances []*instance // by worker
	running   sync.WaitGroup
	leaving   time.Time // until then a worker may leave a server that goes on
	rules     []func()  // what the room does for good
	unseen    []span    // within which the room has shown messages to their senders alone
	todo      []action
	more      int // number of the next notification that the plan does not have

	mu        sync.Mutex
	onReplays []replayHook
}

// span is the time from one moment to another.
type span struct{ from, to time.Time }

// replayHook is what happens once, when the room begins to tell its history or its archive.
type replayHook struct {
	archive bool
	do      func(*link)
}

// model is a broker.
type model interface {
	publish(n Notification)
	open(p *process) sources.Source
	expire()
	evict(p *process)
	forget(n int)
	disturb(change func(*trouble))
}

// account is that of all workers.
const account = "notifier"

func newWorld(p *Plan, setup *Setup, obs *observer) (*world, error) {
	w := &world{plan: p, setup: setup, obs: obs, network: newNetwork(p.Seed), instances: make([]*instance, p.Workers), more: 1000}
	server, err := sinktest.Start(sinktest.Config{
		Listen: w.network.listen, Authority: setup.authority, Mechanisms: []string{"PLAIN"},
		HistorySize: p.Room.History, KeepHistory: p.Room.Keeps, Archive: p.Room.Archive, StoresUnshown: p.Room.Stores && !p.Room.keepsIDs(), Profile: p.Room.profile(),
	})
	if err != nil {
		return nil, err
	}
	w.server = server
	server.Watch(obs.posted)
	server.WatchReplays(w.replayed)
	server.WatchTurnedAway(obs.turnedAway)
	w.answerArchive()
	for i, b := range p.Brokers {
		random := w.random(i)
		if b.Kind == "kafka" {
			w.brokers = append(w.brokers, newGroup(obs, random, p.ordered(i), b))
		} else {
			w.brokers = append(w.brokers, newStream(obs, random, p.ordered(i), b))
		}
	}
	return w, nil
}

// onReplay has something happen when the room tells its history or archive next.
func (w *world) onReplay(archive bool, do func(*link)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onReplays = append(w.onReplays, replayHook{archive, do})
}

// replayed is when the room begins to tell its history or archive.
func (w *world) replayed(remote string, history []sinktest.Post, archive bool) {
	l := w.network.find(remote)
	w.obs.replayed(l, history, archive)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.onReplays = slices.DeleteFunc(w.onReplays, func(h replayHook) bool {
		if h.archive == archive {
			h.do(l)
		}
		return h.archive == archive
	})
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

// startServer brings the server back.
func (w *world) startServer() {
	if err := w.server.Start(); err != nil {
		panic(err)
	}
}

// makeRoom makes the room. Where a worker's join has just made one, that may be about
// to be taken back.
func (w *world) makeRoom() {
	if w.server.CreateRoom() {
		return
	}
	w.after(Duration(5*time.Second), "the room is made again", func() {
		if w.server.CreateRoom() || w.obs.inside() { // or a worker takes itself for inside
			return
		}
		w.makeRoom()
	})
}

// nick is the nickname that a worker wants.
func (w *world) nick(worker int) string { return fmt.Sprintf("bot%d", worker) }

// onProcess does something to the worker's process, if it has been started.
func (w *world) onProcess(s Step, do func(*process)) {
	if l := w.instances[s.Worker]; l != nil {
		do(l.process)
	}
}

// onLink does something to the worker's connection, if it has one.
func (w *world) onLink(s Step, do func(*link)) {
	w.onProcess(s, func(p *process) {
		if l := p.last(); l != nil {
			do(l)
		}
	})
}

// disconnect disconnects a process from all brokers.
func (w *world) disconnect(p *process, d time.Duration) {
	p.disconnect(d)
	w.noticed(p)
}

// noticed has the brokers find out after their time that a process is away.
func (w *world) noticed(p *process) {
	for i, b := range w.plan.Brokers {
		time.AfterFunc(time.Duration(b.Wait)+time.Millisecond, func() { w.brokers[i].disturb(func(*trouble) {}) })
		if b.Kind == "kafka" {
			time.AfterFunc(time.Duration(b.Wait)+time.Millisecond, func() {
				if p.isDead() || !p.reaches().IsZero() {
					w.brokers[i].evict(p)
				}
			})
		}
	}
}

// repeatPosts has somebody say again what workers said last and he has seen, with the same
// ids.
func (w *world) repeatPosts(nick string, n int) {
	posts := slices.DeleteFunc(w.server.Transcript(), func(p sinktest.Post) bool {
		return slices.ContainsFunc(w.unseen, func(s span) bool { return !p.At.Before(s.from) && !p.At.After(s.to) })
	})
	for _, p := range posts[max(0, len(posts)-n):] {
		w.server.PostAs(nick, p.ID, p.Body)
	}
}
