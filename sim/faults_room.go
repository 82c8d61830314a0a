package sim

import (
	"slices"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/render"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func serverFaults() map[string]fault {
	return map[string]fault{
		"server-killed": {weight: 2, what: "the server is killed", run: func(w *world, s Step) {
			w.server.Stop()
			w.after(s.For, "the server is back", w.startServer)
		}},
		"server-dies": {weight: 2, what: "the server is killed, before others were shown what it has shown last", run: func(w *world, s Step) {
			since := time.Now().Add(-time.Duration(s.For) % lastCopies)
			w.server.Stop()
			w.server.ForgetSince(since)
			w.unseen = append(w.unseen, span{since, time.Now()})
			if passedOrZero(w.leaving) { // who leaves takes it that the server goes on
				w.obs.copiesLost(since, 2*w.plan.InFlight)
			}
			w.after(s.For, "the server is back", w.startServer)
		}},
		"server-stopped": {weight: 1, what: "the server is stopped", run: func(w *world, s Step) {
			w.server.Shutdown()
			w.after(s.For, "the server is back", w.startServer)
		}},
		"frozen": {weight: 1, what: "the server does nothing for a while", run: func(w *world, s Step) {
			w.server.Freeze()
			w.after(s.For, "the server goes on", func() {
				w.obs.late(0)
				w.server.Unfreeze()
			})
		}},
		"suspended": {weight: 1, what: "the chat service goes down, perhaps without a word", run: func(w *world, s Step) {
			if s.A && !w.plan.Room.profile().AnswersAnyPing { // else who hears nothing more cannot find out
				w.server.EmptyRoom()
			}
			w.server.SuspendRoom(sinktest.StanzaError{})
			w.after(s.For, "the chat service is back", w.server.ResumeRoom)
		}},
		"clock": {weight: 1, what: "the server's clock is set", run: func(w *world, s Step) {
			w.server.SetClock((time.Duration(s.For) - time.Minute) * time.Duration(s.N*s.N))
		}},
		"stream-error": {weight: 1, leaves: true, what: "the server ends all streams", run: func(w *world, s Step) {
			w.server.StreamError([]string{"conflict", "system-shutdown", "reset", "internal-server-error", "policy-violation"}[s.N-1], "")
		}},
	}
}

func roomFaults() map[string]fault {
	return map[string]fault{
		"destroyed": {weight: 1, leaves: true, what: "the room is destroyed", run: func(w *world, s Step) {
			w.server.DestroyRoom("", "")
			w.after(s.For, "the room is made again", w.makeRoom)
		}},
		"kick": {weight: 1, leaves: true, what: "the worker is kicked", run: func(w *world, s Step) { w.server.Kick(w.nick(s.Worker), 307) }},
		"ban": {weight: 1, leaves: true, what: "the account is banned", run: func(w *world, s Step) {
			w.server.Ban(account)
			w.after(s.For, "the ban is lifted", func() { w.server.Unban(account) })
		}},
		"mute": {weight: 1, leaves: true, what: "the account loses its voice", run: func(w *world, s Step) {
			w.server.RemoveVoice(account)
			w.after(s.For, "the account has its voice again", func() { w.server.GiveVoice(account) })
		}},
		"refuse-joins": {weight: 1, what: "the room refuses joins", run: func(w *world, s Step) {
			w.server.RefuseJoins(sinktest.StanzaError{Condition: w.condition(s)}, s.N)
		}},
		"cut-after-post": {weight: 2, what: "a connection is reset after the room has shown a message", run: func(w *world, s Step) {
			w.server.CutAfterPosts(s.N)
		}},
		"cut-before-post": {weight: 2, what: "a connection is reset before the room shows a message", run: func(w *world, s Step) {
			w.server.CutBeforePosts(s.N)
		}},
		"lost": {weight: 1, what: "the room swallows messages", run: func(w *world, s Step) { w.server.LoseMatching(w.refused(1, next(s.N))) }},
		"bounce": {weight: 1, leaves: true, what: "the room bounces messages", run: func(w *world, s Step) {
			condition := w.condition(s)
			w.server.BounceMatching(w.refused(1, next(s.N)), sinktest.StanzaError{Condition: condition}, -1)
		}},
		"rate-limit": {weight: 1, leaves: true, what: "the room takes few messages in a second, and bounces the others", run: func(w *world, s Step) {
			limit := limiter(time.Duration(s.N) * 200 * time.Millisecond)
			w.server.BounceMatching(w.refused(0, limit), sinktest.StanzaError{Type: "wait", Condition: "resource-constraint"}, -1)
			w.after(s.For, "the room takes all messages", w.clearFaults)
		}},
		"never-shown": {weight: 1, leaves: true, forGood: true, what: "the room bounces one notification for good", run: func(w *world, s Step) {
			condition := []string{"policy-violation", "not-acceptable", "bad-request", "not-allowed", "service-unavailable", "internal-server-error"}[s.N]
			w.rule(func() {
				w.server.BounceMatching(w.refused(1, w.one(s)), sinktest.StanzaError{Condition: condition}, -1)
			})
		}},
		"swallowed": {weight: 1, leaves: true, forGood: true, what: "the room swallows one notification for good", run: func(w *world, s Step) {
			w.rule(func() { w.server.LoseMatching(w.refused(1, w.one(s))) })
		}},
	}
}

func archiveFaults() map[string]fault {
	return map[string]fault{
		"archive-fails": {weight: 1, what: "the archive answers queries with errors, or not at all", run: func(w *world, s Step) {
			w.server.RefuseArchive(sinktest.StanzaError{Condition: w.condition(s)}, s.A)
			w.after(s.For, "the archive answers", w.answerArchive)
		}},
		"archive-cut": {weight: 1, what: "the worker's connection is reset while the archive answers", run: func(w *world, s Step) {
			w.onReplay(true, func(l *link) { l.down.cutAt(1+int(s.For)%5000, func() { go l.reset(s.A, s.B) }) })
		}},
	}
}

func occupantFaults() map[string]fault {
	return map[string]fault{
		"nick-taken": {weight: 1, leaves: true, what: "a stranger takes the worker's nickname", run: func(w *world, s Step) {
			w.server.TakeNick(w.nick(s.Worker))
			if s.A {
				w.after(s.For, "the stranger leaves", func() { w.server.FreeNick(w.nick(s.Worker)) })
			}
		}},
		"talk": {weight: 1, what: "others talk", run: func(w *world, s Step) {
			for range s.N * 5 {
				w.server.PostAs("chatty", "", "hello")
			}
		}},
		"talk-at-join": {weight: 1, what: "others talk while the next worker joins", run: func(w *world, s Step) {
			w.onReplay(false, func(*link) {
				for i := range s.N * 20 {
					time.AfterFunc(time.Duration(i)*20*time.Microsecond, func() { w.server.PostAs("chatty", "", "hello") })
				}
			})
		}},
		"same-text": {weight: 1, what: "a stranger says what notifications say", run: func(w *world, s Step) {
			w.server.PostAs("chatty", "", w.textOf(s))
		}},
		"past": {weight: 1, what: "the worker is cut off, and meanwhile somebody with its nickname says what a notification says", run: func(w *world, s Step) {
			w.onLink(s, func(l *link) { l.reset(s.A, s.B) })
			w.after(2*Duration(mostDelay), "", func() {
				if !w.isTaken(w.nick(s.Worker)) {
					w.server.PostAs(w.nick(s.Worker), "", w.textOf(s))
				}
			})
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

// refused matches what match does, and tells the observer.
func (w *world) refused(weight int, match func(sinktest.Post) bool) func(sinktest.Post) bool {
	return func(p sinktest.Post) bool {
		if !match(p) {
			return false
		}
		w.obs.refused(p, weight)
		return true
	}
}

// next matches n messages.
func next(n int) func(sinktest.Post) bool {
	return func(sinktest.Post) bool {
		n--
		return n >= 0
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

// which is the notification that a step is about.
func (w *world) which(s Step) Notification {
	return w.plan.Notifications[int(s.For)%len(w.plan.Notifications)]
}

// textOf is what the room shows of the notification that a step is about.
func (w *world) textOf(s Step) string {
	n := w.which(s)
	n.Malformed = false
	return render.Text(n.delivery().Envelopes[0])
}

// isTaken reports whether anybody in the room has a nickname.
func (w *world) isTaken(nick string) bool {
	return slices.ContainsFunc(w.server.Occupants(), func(o sinktest.Occupant) bool { return o.Nick == nick })
}

// one matches one notification.
func (w *world) one(s Step) func(sinktest.Post) bool {
	number := w.which(s).Number
	return func(p sinktest.Post) bool { return slices.Contains(carried(p), number) }
}

// rule has the room do something with messages from now on, and again after all faults
// of the room have been ended.
func (w *world) rule(order func()) {
	w.rules = append(w.rules, order)
	order()
}

// clearFaults ends the faults of the room, but not what it does for good.
func (w *world) clearFaults() {
	w.server.ClearFaults()
	for _, order := range w.rules {
		order()
	}
}

// answerArchive has the archive do what it usually does.
func (w *world) answerArchive() {
	w.server.AnswerArchive()
	switch w.plan.Room.Answers {
	case "refuse":
		w.server.RefuseArchive(sinktest.StanzaError{}, false)
	case "ignore":
		w.server.RefuseArchive(sinktest.StanzaError{}, true)
	case "delay":
		w.server.DelayArchive(4 * time.Second)
	}
}

// lastCopies is how much later than the sender others may be shown a message.
const lastCopies = 200 * time.Millisecond

// condition is that of a stanza error (RFC 6120, 8.3.3).
func (w *world) condition(s Step) string {
	list := []string{
		"not-acceptable", "forbidden", "policy-violation", "resource-constraint", "service-unavailable", "internal-server-error",
		"item-not-found", "recipient-unavailable", "remote-server-timeout", "bad-request", "not-allowed", "undefined-condition",
	}
	return list[int(s.For)%len(list)]
}
