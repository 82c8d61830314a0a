package sim

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// fault is a kind of step.
type fault struct {
	weight   int    // how often it is drawn
	rare     bool   // it is drawn for itself
	leaves   bool   // a worker may leave a server that goes on
	forGood  bool   // it is never mended
	reorders bool   // a broker without partitions may deliver in another order
	what     string // in plain words
	run      func(w *world, s Step)
}

// faultNames are the kinds in a fixed order.
var faultNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(faults())) }) //nolint:gochecknoglobals // a constant

// faults are all kinds of steps.
var faults = sync.OnceValue(func() map[string]fault { //nolint:gochecknoglobals // a constant
	all := map[string]fault{}
	for _, some := range []map[string]fault{networkFaults(), serverFaults(), roomFaults(), archiveFaults(), occupantFaults(), brokerFaults(), workerFaults(), rareFaults()} {
		maps.Copy(all, some)
	}
	return all
})

func networkFaults() map[string]fault {
	return map[string]fault{
		"cut": {weight: 3, what: "the worker's connection is reset", run: func(w *world, s Step) {
			w.onLink(s, func(l *link) { l.reset(s.A, s.B) })
		}},
		"cut-bytes": {weight: 3, what: "the worker's connection is reset within the next bytes", run: func(w *world, s Step) {
			w.onLink(s, func(l *link) {
				p := l.down
				if s.A {
					p = l.up
				}
				p.cutAt(1+int(s.For)%2000, func() { go l.reset(s.A, s.B) })
			})
		}},
		"hold": {weight: 2, what: "nothing arrives on the worker's connection for a while", run: func(w *world, s Step) {
			w.onLink(s, func(l *link) { l.hold(time.Duration(s.For)) })
		}},
		"half-open-server": {weight: 1, what: "the server hears nothing of the end of the worker's connection", run: func(w *world, s Step) {
			w.onLink(s, func(l *link) {
				l.up.discard()
				l.down.reset(s.A)
			})
		}},
		"half-open-worker": {weight: 1, what: "the worker hears nothing of the end of its connection", run: func(w *world, s Step) {
			end := func(l *link) { l.endForServer(s.A, s.B) }
			if s.N > 3 { // before the worker is in the room
				w.onReplay(false, end)
			} else {
				w.onLink(s, end)
			}
		}},
		"unreachable": {weight: 1, what: "the server accepts no connections", run: func(w *world, s Step) {
			w.network.refuse(time.Duration(s.For))
		}},
	}
}

func brokerFaults() map[string]fault {
	return map[string]fault{
		"redeliver": {weight: 2, reorders: true, what: "the broker redelivers what is pending, or assigns partitions anew", run: func(w *world, s Step) {
			w.brokers[s.Broker].expire()
		}},
		"evict": {weight: 1, reorders: true, what: "the broker evicts the worker", run: func(w *world, s Step) {
			w.onProcess(s, w.brokers[s.Broker].evict)
		}},
		"lost-acks": {weight: 1, reorders: true, what: "acknowledgements are lost", run: func(w *world, s Step) {
			w.brokers[s.Broker].disturb(func(t *trouble) { t.lostAcks += s.N })
		}},
		"late-acks": {weight: 1, reorders: true, what: "acknowledgements are late", run: func(w *world, s Step) {
			w.brokers[s.Broker].disturb(func(t *trouble) { t.lateAcks = time.Now().Add(time.Duration(s.For)) })
		}},
		"receive-fails": {weight: 1, what: "nothing can be received", run: func(w *world, s Step) {
			w.brokers[s.Broker].disturb(func(t *trouble) { t.receive = time.Now().Add(time.Duration(s.For)) })
		}},
		"dead-letters-fail": {weight: 1, what: "dead letters cannot be written, for good if another broker is to go on", run: func(w *world, s Step) {
			until := time.Now().Add(time.Duration(s.For))
			if w.plan.isStuck(s) && w.obs.stick(s.Broker) {
				until = until.Add(2 * patience)
			}
			w.brokers[s.Broker].disturb(func(t *trouble) { t.deadLetters = until })
		}},
		"dead-letters-unsure": {weight: 1, what: "dead letters are written, but not confirmed", run: func(w *world, s Step) {
			w.brokers[s.Broker].disturb(func(t *trouble) { t.unconfirmed += s.N })
		}},
		"broker-clock": {what: "the broker's clock is set", run: func(w *world, s Step) {
			w.brokers[s.Broker].disturb(func(t *trouble) { t.ahead = time.Duration(s.For) - time.Minute })
		}},
		"offline": {weight: 1, reorders: true, what: "the worker cannot reach the brokers", run: func(w *world, s Step) {
			w.onProcess(s, func(p *process) { w.disconnect(p, time.Duration(s.For)) })
		}},
	}
}

func workerFaults() map[string]fault {
	return map[string]fault{
		"kill": {weight: 4, reorders: true, what: "the worker is killed", run: func(w *world, s Step) {
			w.kill(s.Worker, s.A)
			w.after(s.For, "the worker is started again", func() { w.start(s.Worker, false) })
		}},
		"stop": {weight: 2, reorders: true, what: "the worker is stopped", run: func(w *world, s Step) {
			w.stop(s.Worker)
			w.after(s.For, "the worker is started again", func() { w.start(s.Worker, false) })
		}},
		"new-key": {weight: 1, reorders: true, what: "the worker is killed, and started with another key", run: func(w *world, s Step) {
			w.kill(s.Worker, s.A)
			w.after(s.For, "the worker is started with another key", func() { w.start(s.Worker, true) })
		}},
	}
}

func rareFaults() map[string]fault {
	return map[string]fault{
		"always-wait": {rare: true, weight: 2, leaves: true, forGood: true, what: "the room asks one notification to wait, each time", run: func(w *world, s Step) {
			w.rule(func() {
				w.server.BounceMatching(w.refused(1, w.one(s)), sinktest.StanzaError{Type: "wait", Condition: "resource-constraint"}, -1)
			})
		}},
		"acks-forgotten": {rare: true, weight: 2, reorders: true, what: "the broker forgets the last acknowledgements", run: func(w *world, s Step) {
			w.brokers[s.Broker].forget(s.N)
		}},
		"renamed": {rare: true, weight: 1, leaves: true, what: "the room gives the worker another nickname", run: func(w *world, s Step) {
			if to := w.nick(s.Worker) + "-"; !w.isTaken(to) {
				w.server.Rename(w.nick(s.Worker), to)
			}
		}},
		"streams-closed": {rare: true, weight: 1, leaves: true, what: "the server closes all streams without a reason", run: func(w *world, _ Step) {
			w.server.CloseStreams()
		}},
		"throttled": {rare: true, weight: 2, what: "the server reads slowly", run: func(w *world, s Step) {
			w.obs.late(time.Duration(s.For))
			w.server.Throttle(500 * s.N)
			w.after(s.For, "the server reads as fast as it can", func() {
				w.server.Throttle(0)
				w.obs.late(10 * time.Second) // what it is reading comes at the former pace
			})
		}},
	}
}
