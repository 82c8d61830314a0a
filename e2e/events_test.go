//go:build real && chaos

package e2e_test

import (
	"context"
	"errors"
	"os/exec"
	"slices"
	"time"
)

// event is something that may happen to the parts.
type event struct {
	name   string
	happen func()
}

// longAbsence is longer than the session timeout (6 s) and the ack wait (4 s)
// of the workers in these tests.
const longAbsence = 8 * time.Second

// repertoire lists what may happen.
func (s *storm) repertoire() []event {
	faults := []event{
		{"broker killed", func() { s.stopBroker(true, 0) }},
		{"broker restarted", func() { s.stopBroker(false, 0) }},
		{"broker away", func() { s.stopBroker(true, longAbsence) }},
		{"broker and worker killed", func() { s.kill(s.any()); s.stopBroker(true, 0); s.hire() }},
	}
	if s.server.faults != nil {
		faults = slices.Repeat(s.server.faults(s), 2) // so that most events are those
	}
	return append(faults, []event{
		{"worker killed", func() { s.kill(s.any()); s.hire() }},
		{"worker killed, later replaced", func() { s.kill(s.any()); s.pass(longAbsence); s.hire() }},
		{"worker killed under load, newcomer", s.newcomer},
		{"all workers killed", func() { s.killAll() }},
		{"worker terminated", func() { s.dismiss(); s.hire() }},
		{"workers join and leave", s.joinAndLeave},
		{"room away", func() { s.roomAway(false) }},
		{"room away, worker joins", func() { s.roomAway(true) }},
		{"poison burst", func() { s.burst(5 * poisonSize) }},
		{"dead letters unavailable", s.noDeadLetters},
	}...)
}

// any chooses a worker.
func (s *storm) any() int { return s.rng.IntN(len(s.staff)) }

// dismiss terminates a worker. Its exit code is not looked at: in a storm it may
// have to say that it could not reach the broker any more.
func (s *storm) dismiss() {
	s.Helper()
	i := s.any()
	err := s.staff[i].Stop(patience)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		s.Error(err)
	}
	s.fire(i)
}

// newcomer kills a worker under load and lets another come when the room has
// moved on: what the dead one had posted and not acknowledged may be given to the
// new one, and is far back in the room's memory then.
func (s *storm) newcomer() {
	s.Helper()
	const bursts = 16
	for range bursts {
		s.burst(0)
	}
	s.watch.wait(s.good - (bursts-2)*burstSize)
	s.kill(s.any())
	s.watch.wait(s.good - 4*burstSize)
	s.hire()
}

// killAll leaves nobody who has seen what the room has shown.
func (s *storm) killAll() {
	s.Helper()
	n := len(s.staff)
	for range n {
		s.kill(0)
	}
	for range n {
		s.hire()
	}
}

// pass is how long something lasts.
func (s *storm) pass(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.Context().Done():
	}
}

func (s *storm) stopBroker(kill bool, away time.Duration) {
	s.Helper()
	stop := s.server.Stop
	if kill {
		stop = func(context.Context) error { return s.server.Kill() }
	}
	if err := stop(s.Context()); err != nil {
		s.Fatal(err)
	}
	s.pass(away)
	s.server.start(s.T)
}

// joinAndLeave has a worker come and another go every second or so, which makes
// a group share out its partitions again and again.
func (s *storm) joinAndLeave() {
	s.Helper()
	for i := range 5 {
		s.hire()
		s.pass(time.Duration(500+s.rng.IntN(1000)) * time.Millisecond)
		if i%2 == 0 {
			s.kill(s.any())
		} else {
			s.dismiss()
		}
	}
}

// roomAway cuts the workers off from the room for longer than leases last.
func (s *storm) roomAway(join bool) {
	s.Helper()
	s.link.cut()
	s.burst(0)
	if join {
		s.hire()
	}
	s.pass(longAbsence)
	s.link.mend()
	if join {
		s.watch.wait(s.good)
		s.dismiss()
	}
}

// noDeadLetters publishes malformed messages while nothing takes dead letters.
func (s *storm) noDeadLetters() {
	s.Helper()
	if err := s.broker.refuseDeadLetters(s.Context(), true); err != nil {
		s.Fatal(err)
	}
	s.burst(poisonSize)
	s.pass(2 * time.Second)
	if err := s.broker.refuseDeadLetters(s.Context(), false); err != nil {
		s.Fatal(err)
	}
}
