package sim_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sim"
)

// The environment of a campaign. `make sim` sets what it needs.
const (
	envSeeds  = "SIM_SEEDS"  // how many; 0: until SIM_FOR is over
	envFor    = "SIM_FOR"    // how long at most, like 1h
	envFrom   = "SIM_FROM"   // the first seed; default: one that is new
	envWith   = "SIM_WITH"   // only seeds whose plan has these words, like server-dies,kafka
	envJobs   = "SIM_JOBS"   // how many at a time; default: one per core
	envOutput = "SIM_OUTPUT" // where the smallest plan of a failure goes
	envTale   = "SIM_TALE"   // "no": a failure is neither made smaller nor told
	envChild  = "SIM_CHILD"  // set in the processes that do the work
)

// share is how many seeds one process gets at a time, and hung how long it may be
// silent: the simulation is stuck then, in a loop or in a lock.
const (
	share = 100
	hung  = time.Minute
)

// campaign runs seeds in processes of their own: one of them may crash or hang.
type campaign struct {
	t       *testing.T
	started time.Time
	until   time.Time // zero: no limit

	mu     sync.Mutex
	next   uint64
	end    uint64 // zero: no limit
	done   int
	failed []failure
}

type failure struct {
	seed uint64
	text string
}

// New seeds every time, as many as fit into the time of a test.
func TestSeeds(t *testing.T) {
	c := newCampaign(t)
	ctx := t.Context()
	var jobs sync.WaitGroup
	for range number(t, envJobs, runtime.NumCPU()) {
		jobs.Go(func() { c.work(ctx) })
	}
	finished := make(chan struct{})
	go func() { jobs.Wait(); close(finished) }()
	c.watch(finished)
	for _, f := range c.failed {
		t.Errorf("seed %d: %s", f.seed, f.text)
		if os.Getenv(envTale) != "no" {
			c.explain(f)
		}
	}
}

func newCampaign(t *testing.T) *campaign {
	c := &campaign{t: t, started: time.Now()}
	c.next = uint64(number(t, envFrom, int(time.Now().UnixNano()>>10))) //nolint:gosec // it is not negative
	limit := os.Getenv(envFor)
	if limit != "" {
		d, err := time.ParseDuration(limit)
		if err != nil {
			t.Fatalf("%s=%q: %v: give a duration, like 1h", envFor, limit, err)
		}
		c.until = c.started.Add(d)
	}
	if seeds := number(t, envSeeds, 100); seeds > 0 {
		c.end = c.next + uint64(seeds)
	}
	t.Logf("seeds from %d", c.next)
	return c
}

func number(t *testing.T, name string, fallback int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(fallback)))
	if err != nil || n < 0 {
		t.Fatalf("%s=%q: give a number", name, os.Getenv(name))
	}
	return n
}

// take returns the next seeds, none if there are no more.
func (c *campaign) take() (from, to uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.until.IsZero() && time.Now().After(c.until) || len(c.failed) > 0 {
		return c.next, c.next
	}
	from = c.next
	c.next += share
	if c.end > 0 && c.next > c.end {
		c.next = c.end
	}
	return from, c.next
}

// over reports whether a seed has failed.
func (c *campaign) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.failed) > 0
}

func (c *campaign) work(ctx context.Context) {
	for from, to := c.take(); from < to; from, to = c.take() {
		for from < to && !c.over() {
			from = c.run(ctx, from, to)
		}
	}
}

// run has a process run seeds, and returns the first that it has not run.
func (c *campaign) run(ctx context.Context, from, to uint64) uint64 {
	child := newChild(ctx, "seeds", fmt.Sprintf("%d-%d", from, to))
	at, finished := from, false
	err := child.lines(func(line string) {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "begin":
			at, _ = strconv.ParseUint(rest, 10, 64)
		case "end":
			c.count(1)
		case "wrong":
			c.fail(at, rest)
		case "finished":
			finished = true
		}
	})
	if finished {
		return to
	}
	c.fail(at, fmt.Sprintf("the process ended early: %v\n%s", err, child.errors.String()))
	return at + 1
}

func (c *campaign) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done += n
}

func (c *campaign) fail(seed uint64, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, failure{seed, text})
}

// watch says how far it is, on a terminal and in logs.
func (c *campaign) watch(finished <-chan struct{}) {
	tick := time.NewTicker(10 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			c.say()
			return
		case <-tick.C:
			c.say()
		}
	}
}

func (c *campaign) say() {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := time.Since(c.started)
	fmt.Fprintf(os.Stderr, "sim: %d seeds in %s, %.0f per second, %d failed\n", c.done, took.Round(time.Second), float64(c.done)/took.Seconds(), len(c.failed))
}

// explain makes the plan of a failure smaller, writes it down and tells its story.
func (c *campaign) explain(f failure) {
	child := newChild(c.t.Context(), "shrink", strconv.FormatUint(f.seed, 10))
	var said []string
	err := child.lines(func(line string) {
		if line != "" {
			said = append(said, line)
		}
	})
	c.t.Log(strings.Join(said, "\n"))
	if err != nil {
		c.t.Logf("%v\n%s", err, child.errors.String())
	}
}

// child is a process that does some of the work.
type child struct {
	cmd    *exec.Cmd
	errors bytes.Buffer
}

func newChild(ctx context.Context, task, what string) *child {
	c := &child{cmd: exec.CommandContext(ctx, os.Args[0], "-test.run=^TestChild$", "-test.timeout=0")} //nolint:gosec // itself
	c.cmd.Env = append(os.Environ(), envChild+"="+task+" "+what, "GOMAXPROCS=1", "GOGC=off", "GOMEMLIMIT=512MiB")
	c.cmd.Stderr = &c.errors
	return c
}

// lines runs the process and hands over what it says. One that is silent for too
// long is killed, after it has said what its goroutines do.
func (c *child) lines(each func(string)) error {
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.cmd.Start(); err != nil {
		return err
	}
	silent := time.AfterFunc(hung, func() { _ = c.cmd.Process.Signal(quit()) })
	defer silent.Stop()
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			_, _ = io.Copy(io.Discard, in)
			return c.cmd.Wait()
		}
		silent.Reset(hung)
		each(strings.TrimSuffix(line, "\n"))
	}
}

// A seed tells the same story again, nearly always: to the microsecond. On a busy machine, and
// with the race detector, goroutines are interrupted more often, and fewer do.
func TestSeedsRepeat(t *testing.T) {
	same := 0
	child := newChild(t.Context(), "repeat", "")
	if err := child.lines(func(line string) {
		if line == "same" {
			same++
		}
	}); err != nil {
		t.Fatalf("%v\n%s", err, child.errors.String())
	}
	if t.Logf("%d of 100 seeds told the same story twice", same); same < 50 {
		t.Errorf("%d of 100 seeds told the same story twice: what else is left to chance?", same)
	}
}

// A plan that failed once must not fail again.
func TestRegressions(t *testing.T) {
	for _, name := range regressions(t) {
		t.Run(name, func(t *testing.T) {
			var said []string
			child := newChild(t.Context(), "regression", name)
			err := child.lines(func(line string) {
				if text, ok := strings.CutPrefix(line, "wrong "); ok {
					said = append(said, text)
				}
			})
			if err != nil || len(said) > 0 {
				t.Errorf("%v\n%s\n%s", err, strings.Join(said, "\n"), child.errors.String())
			}
		})
	}
}

func regressions(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(sim.Regressions)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".json") {
			names = append(names, sim.Regressions+"/"+e.Name())
		}
	}
	return names
}
