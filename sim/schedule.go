package sim

import (
	"fmt"
	"testing/synctest"
	"time"
)

// action is something that is still to be done.
type action struct {
	at   time.Time
	what string
	do   func()
}

// schedule takes over what the plan says.
func (w *world) schedule() {
	for i := range w.plan.Workers {
		w.later(time.Duration(i)*time.Millisecond+time.Duration(i), "", func() { w.start(i, false) })
	}
	for _, n := range w.plan.Notifications {
		w.later(time.Duration(n.At), "", func() { w.brokers[n.Broker].publish(n) })
	}
	for _, s := range w.plan.Steps {
		f := faults()[s.Do]
		w.later(time.Duration(s.At), fmt.Sprintf("%s (%s, worker %d)", f.what, s.Do, s.Worker), func() {
			f.run(w, s)
			if end := time.Now().Add(time.Duration(s.For) + 10*time.Second); f.leaves && end.After(w.leaving) {
				w.leaving = end
			}
		})
		if time.Duration(s.For) > patience/12 { // what lasts hours has to be over before all can be well
			w.later(time.Duration(s.At+s.For), "", func() {})
		}
	}
}

// later has something done at a time after the start.
func (w *world) later(at time.Duration, what string, do func()) {
	w.todo = append(w.todo, action{w.obs.start.Add(at), what, do})
}

// after has something mended.
func (w *world) after(d Duration, what string, do func()) {
	w.todo = append(w.todo, action{time.Now().Add(time.Duration(d)), what, do})
}

// next takes the first action.
func (w *world) next() (action, bool) {
	if len(w.todo) == 0 {
		return action{}, false
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
			w.obs.tell("%s", d.what)
		}
		d.do()
	}
	w.clearFaults()
	w.calmDown()
	w.stay()
	w.obs.finish(w.processes(), w.absent())
	for _, l := range w.instances {
		l.cancel()
	}
	w.running.Wait()
	w.server.Close()
}

// calmDown waits until all is well. What the room does for good to a notification it may
// do to all: that it does not is proven by those that come later.
func (w *world) calmDown() {
	begin, least := time.Now(), time.Duration(0)
	if w.plan.sticks() { // until all has filled up that it can fill up
		least = patience / 6
	}
	for more := begin; time.Since(begin) < least || time.Since(begin) < patience && !w.well(); {
		if w.plan.forGood() && time.Since(begin) < patience/2 && time.Since(more) > 20*time.Second {
			more = time.Now()
			w.publishMore()
		}
		idle(time.Second + 17*time.Microsecond)
	}
}

// quiet is longer than any silence after which a worker asks whether the connection
// lives, and waits for the answer.
const quiet = 70 * time.Second

// stay waits until nobody has left the room for a while: workers may notice late what
// went wrong before. One that has nothing but what the room swallows for good leaves
// again and again: it may be the room.
func (w *world) stay() {
	if !w.well() || w.plan.forGood() {
		return
	}
	for begin := time.Now(); time.Since(begin) < patience; {
		before := w.obs.left()
		idle(quiet)
		if w.obs.left() == before {
			return
		}
	}
	w.obs.restless()
}

// publishMore publishes a notification in each broker, and each of its partitions.
func (w *world) publishMore() {
	for i, b := range w.plan.Brokers {
		for p := range max(1, b.Partitions) {
			n := Notification{Number: w.more, Broker: i, Partition: p, ID: true}
			w.more++
			w.obs.expect(n)
			w.brokers[i].publish(n)
		}
	}
}

// idle lets virtual time pass, and everything happen that happens by then.
func idle(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // virtual time
	synctest.Wait()
}

// processes are those that should be at work.
func (w *world) processes() []*process {
	list := make([]*process, len(w.instances))
	for i, l := range w.instances {
		list[i] = l.process
	}
	return list
}

// well reports whether there is nothing left to do, and everybody is in the room.
func (w *world) well() bool { return w.obs.done(w.processes()) && len(w.absent()) == 0 }

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
