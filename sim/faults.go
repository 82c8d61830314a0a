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
	weight  int    // how often it is drawn
	refuses bool   // the room may refuse a good notification for good
	parts   bool   // the worker leaves a server that goes on
	forgets bool   // the room may forget what it has shown
	reorder order  // whose order need not be kept
	what    string // in plain words
	run     func(w *world, s Step)
}

// order is what a fault does to it.
type order int

const (
	keeps      order = iota
	ofOne            // a broker that has no partitions may deliver in another order
	everywhere       // the room drops or refuses a message, and shows later ones
)

// faultNames are the kinds in a fixed order.
var faultNames = sync.OnceValue(func() []string { return slices.Sorted(maps.Keys(faults())) }) //nolint:gochecknoglobals // a constant

// faults are all kinds of steps.
var faults = sync.OnceValue(func() map[string]fault { //nolint:gochecknoglobals // a constant
	all := map[string]fault{}
	for _, some := range []map[string]fault{networkFaults(), roomFaults(), brokerFaults(), workerFaults()} {
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
				l.up.swallow()
				l.down.reset(s.A)
			})
		}},
		"half-open-worker": {weight: 1, what: "the worker hears nothing of the end of its connection", run: func(w *world, s Step) {
			w.onLink(s, func(l *link) {
				l.down.swallow()
				l.up.reset(s.A)
			})
		}},
		"unreachable": {weight: 1, what: "the server accepts no connections", run: func(w *world, s Step) {
			w.network.refuse(time.Duration(s.For))
		}},
	}
}

func roomFaults() map[string]fault {
	return map[string]fault{
		"server-killed": {weight: 2, forgets: true, what: "the server is killed", run: func(w *world, s Step) {
			w.server.Stop()
			w.after(s.For, "the server is back", w.startServer)
		}},
		"server-dies": {weight: 2, forgets: true, what: "the server is killed, before others were shown what it has shown last", run: func(w *world, s Step) {
			since := time.Now().Add(-time.Duration(s.For) % lastCopies)
			w.server.Stop()
			w.server.ForgetSince(since)
			if !w.parts { // who leaves takes it that the server goes on
				w.see.copiesLost(since, 2*w.plan.InFlight)
			}
			w.after(s.For, "the server is back", w.startServer)
		}},
		"server-stopped": {weight: 1, forgets: true, what: "the server is stopped", run: func(w *world, s Step) {
			w.server.Shutdown()
			w.after(s.For, "the server is back", w.startServer)
		}},
		"frozen": {weight: 1, what: "the server does nothing for a while", run: func(w *world, s Step) {
			w.server.Freeze()
			w.after(s.For, "the server goes on", w.server.Unfreeze)
		}},
		"suspended": {weight: 1, forgets: true, what: "the chat service goes down", run: func(w *world, s Step) {
			w.server.SuspendRoom(sinktest.StanzaError{})
			w.after(s.For, "the chat service is back", w.server.ResumeRoom)
		}},
		"destroyed": {weight: 1, forgets: true, what: "the room is destroyed", run: func(w *world, s Step) {
			w.server.DestroyRoom("", "")
			w.after(s.For, "the room is made again", w.makeRoom)
		}},
		"kick": {weight: 1, parts: true, what: "the worker is kicked", run: func(w *world, s Step) { w.server.Kick(w.nick(s.Worker), 307) }},
		"ban": {weight: 1, parts: true, what: "the account is banned", run: func(w *world, s Step) {
			w.server.Ban(account)
			w.after(s.For, "the ban is lifted", func() { w.server.Unban(account) })
		}},
		"mute": {weight: 1, parts: true, what: "the account loses its voice", run: func(w *world, s Step) {
			w.server.RemoveVoice(account)
			w.after(s.For, "the account has its voice again", func() { w.server.GiveVoice(account) })
		}},
		"nick-taken": {weight: 1, parts: true, what: "a stranger takes the worker's nickname", run: func(w *world, s Step) {
			w.server.TakeNick(w.nick(s.Worker))
			if s.A {
				w.after(s.For, "the stranger leaves", func() { w.server.FreeNick(w.nick(s.Worker)) })
			}
		}},
		"lost": {weight: 1, reorder: everywhere, what: "the room swallows messages", run: func(w *world, s Step) { w.server.LoseNext(s.N) }},
		"cut-after-post": {weight: 2, what: "a connection is reset after the room has shown a message", run: func(w *world, s Step) {
			w.server.CutAfterPosts(s.N)
		}},
		"cut-before-post": {weight: 2, what: "a connection is reset before the room shows a message", run: func(w *world, s Step) {
			w.server.CutBeforePosts(s.N)
		}},
		"bounce": {weight: 1, parts: true, reorder: everywhere, refuses: true, what: "the room bounces messages", run: func(w *world, s Step) {
			w.server.Bounce(sinktest.StanzaError{Condition: conditions()[int(s.For)%len(conditions())]}, s.N)
		}},
		"archive-fails": {weight: 1, what: "the archive answers queries with errors, or not at all", run: func(w *world, s Step) {
			w.server.RefuseArchive(sinktest.StanzaError{Condition: conditions()[int(s.For)%len(conditions())]}, s.A)
			w.after(s.For, "the archive answers", w.server.AnswerArchive)
		}},
		"rate-limit": {weight: 1, parts: true, reorder: everywhere, what: "the room takes few messages in a second, and bounces the others", run: func(w *world, s Step) {
			w.server.BounceMatching(limiter(time.Duration(s.N)*200*time.Millisecond), sinktest.StanzaError{Type: "wait", Condition: "resource-constraint"}, -1)
			w.after(s.For, "the room takes all messages", w.server.ClearFaults)
		}},
		"never-shown": {weight: 1, parts: true, refuses: true, reorder: everywhere, what: "the room bounces one notification for good", run: func(w *world, s Step) {
			w.server.BounceMatching(w.one(s), sinktest.StanzaError{Condition: []string{"policy-violation", "not-acceptable", "bad-request", "not-allowed"}[s.N%4]}, -1)
		}},
		"refuse-joins": {weight: 1, what: "the room refuses joins", run: func(w *world, s Step) {
			w.server.RefuseJoins(sinktest.StanzaError{Condition: conditions()[int(s.For)%len(conditions())]}, s.N)
		}},
		"stream-error": {weight: 1, parts: true, reorder: everywhere, what: "the server ends all streams", run: func(w *world, s Step) {
			w.server.StreamError([]string{"conflict", "system-shutdown", "reset", "internal-server-error", "policy-violation"}[s.N-1], "")
		}},
		"talk": {weight: 1, what: "others talk", run: func(w *world, s Step) {
			for range s.N * 5 {
				w.server.PostAs("chatty", "", "hello")
			}
		}},
		"same-text": {weight: 1, what: "a stranger says what notifications say", run: func(w *world, s Step) {
			w.server.PostAs("chatty", "", textOf(s.N%texts))
		}},
		"past": {weight: 1, what: "somebody who had the worker's nickname has said what notifications say", run: func(w *world, s Step) {
			w.server.PostAs(w.nick(s.Worker), "", textOf(s.N%texts))
		}},
		"copy": {weight: 1, what: "a stranger repeats the last messages with their ids", run: func(w *world, s Step) {
			w.repeatPosts("chatty", s.N)
		}},
		"forge": {weight: 1, what: "a stranger who has no key shows ids for notifications", run: func(w *world, s Step) {
			for i := range s.N {
				w.forge(w.plan.Notifications[(int(s.For)+i)%len(w.plan.Notifications)])
			}
		}},
	}
}

// limiter matches messages that come sooner than a pause after the last that came in time.
func limiter(pause time.Duration) func(sinktest.Post) bool {
	var last time.Time
	return func(sinktest.Post) bool {
		if now := time.Now(); now.Sub(last) >= pause {
			last = now
			return false
		}
		return true
	}
}

// one matches one notification.
func (w *world) one(s Step) func(sinktest.Post) bool {
	number := w.plan.Notifications[int(s.For)%len(w.plan.Notifications)].Number
	return func(p sinktest.Post) bool { return carries(p, number) }
}

// lastCopies is how much later than the sender others may be shown a message.
const lastCopies = 200 * time.Millisecond

// conditions are those of stanza errors (RFC 6120, 8.3.3).
func conditions() []string {
	return []string{
		"not-acceptable", "forbidden", "policy-violation", "resource-constraint", "service-unavailable", "internal-server-error",
		"item-not-found", "recipient-unavailable", "remote-server-timeout", "bad-request", "not-allowed", "undefined-condition",
	}
}

func brokerFaults() map[string]fault {
	return map[string]fault{
		"redeliver": {weight: 2, reorder: ofOne, what: "the broker delivers again what is out, or shares partitions out anew", run: func(w *world, s Step) {
			w.brokers[s.Broker].expire()
		}},
		"evict": {weight: 1, reorder: ofOne, what: "the broker puts the worker out", run: func(w *world, s Step) {
			w.brokers[s.Broker].evict(w.lives[s.Worker].process)
		}},
		"lost-acks": {weight: 1, reorder: ofOne, what: "acknowledgements are lost", run: func(w *world, s Step) {
			w.brokers[s.Broker].upset(func(t *trouble) { t.lostAcks += s.N })
		}},
		"late-acks": {weight: 1, reorder: ofOne, what: "acknowledgements are late", run: func(w *world, s Step) {
			w.brokers[s.Broker].upset(func(t *trouble) { t.lateAcks = time.Now().Add(time.Duration(s.For)) })
		}},
		"receive-fails": {weight: 1, what: "nothing can be received", run: func(w *world, s Step) {
			w.brokers[s.Broker].upset(func(t *trouble) { t.receive = time.Now().Add(time.Duration(s.For)) })
		}},
		"dead-letters-fail": {weight: 1, what: "dead letters cannot be written", run: func(w *world, s Step) {
			w.brokers[s.Broker].upset(func(t *trouble) { t.bury = time.Now().Add(time.Duration(s.For)) })
		}},
		"dead-letters-unsure": {weight: 1, what: "dead letters are written, but not confirmed", run: func(w *world, s Step) {
			w.brokers[s.Broker].upset(func(t *trouble) { t.unsure += s.N })
		}},
		"offline": {weight: 1, reorder: ofOne, what: "the worker cannot reach the brokers", run: func(w *world, s Step) {
			w.disconnect(w.lives[s.Worker].process, time.Duration(s.For))
		}},
	}
}

func workerFaults() map[string]fault {
	return map[string]fault{
		"kill": {weight: 4, reorder: ofOne, what: "the worker is killed", run: func(w *world, s Step) {
			w.kill(s.Worker, s.A)
			w.after(s.For, "the worker is started again", func() { w.start(s.Worker, false) })
		}},
		"stop": {weight: 2, reorder: ofOne, what: "the worker is stopped", run: func(w *world, s Step) {
			w.stop(s.Worker)
			w.after(s.For, "the worker is started again", func() { w.start(s.Worker, false) })
		}},
		"new-key": {weight: 1, reorder: ofOne, what: "the worker is killed, and started with another key", run: func(w *world, s Step) {
			w.kill(s.Worker, s.A)
			w.after(s.For, "the worker is started with another key", func() { w.start(s.Worker, true) })
		}},
	}
}
