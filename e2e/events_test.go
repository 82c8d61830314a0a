//go:build real && chaos

package e2e_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
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
	return []event{
		{"broker killed", func() { s.stopBroker(true, 0) }},
		{"broker restarted", func() { s.stopBroker(false, 0) }},
		{"broker away", func() { s.stopBroker(true, longAbsence) }},
		{"worker killed", func() { s.kill(s.any()); s.hire() }},
		{"worker killed, later replaced", func() { s.kill(s.any()); s.pass(longAbsence); s.hire() }},
		{"worker terminated", func() { s.dismiss(); s.hire() }},
		{"broker and worker killed", func() { s.kill(s.any()); s.stopBroker(true, 0); s.hire() }},
		{"workers join and leave", s.joinAndLeave},
		{"room away", func() { s.roomAway(false) }},
		{"room away, worker joins", func() { s.roomAway(true) }},
		{"poison burst", func() { s.burst(5 * poisonSize) }},
		{"dead letters unavailable", s.noDeadLetters},
	}
}

// any chooses a worker.
func (s *storm) any() int { return s.rng.IntN(len(s.staff)) }

// dismiss terminates a worker. Its exit code is not looked at: in a storm it may
// have to say that it could not reach the broker any more.
func (s *storm) dismiss() {
	s.Helper()
	i := s.any()
	if err := s.staff[i].cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.Fatal(err)
	}
	select {
	case <-s.staff[i].exited: //nolint:errcheck // see above
	case <-time.After(patience):
		s.Error("a worker did not stop")
	}
	s.fire(i)
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

// row is the result of one run.
type row struct {
	kind              string
	seed              uint64
	events            []string
	published, poison int
	lost, twice, late int
	recovery, took    time.Duration
	failed            bool
}

// rows are the results of all runs.
type rows struct {
	mu   sync.Mutex
	list []row
}

func (r *rows) add(one row) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, one)
	fmt.Println(one.markdown())
}

// markdown is the table, with a line for each broker in sum.
func (r *rows) markdown() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	b.WriteString("| broker | runs | published | malformed | lost | shown twice | shown late | longest recovery | failed runs |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|\n")
	for _, kind := range []string{"JetStream", "Kafka"} {
		var sum row
		runs, failed := 0, 0
		for _, one := range r.list {
			if one.kind != kind {
				continue
			}
			runs++
			if one.failed {
				failed++
			}
			sum.published += one.published
			sum.poison += one.poison
			sum.lost += one.lost
			sum.twice += one.twice
			sum.late += one.late
			sum.recovery = max(sum.recovery, one.recovery)
		}
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d | %d | %d | %.1f s | %d |\n", kind, runs, sum.published, sum.poison,
			sum.lost, sum.twice, sum.late, sum.recovery.Seconds(), failed)
	}
	return b.String()
}

// markdown is one run as a line of a table.
func (r row) markdown() string {
	verdict := "ok"
	if r.failed {
		verdict = "FAILED"
	}
	return fmt.Sprintf("| %s | seed %d | %s | %d published, %d malformed | lost %d, twice %d, late %d | recovered in %.1f s of %.0f s | %s |",
		r.kind, r.seed, strings.Join(r.events, "; "), r.published, r.poison, r.lost, r.twice, r.late,
		r.recovery.Seconds(), r.took.Seconds(), verdict)
}
