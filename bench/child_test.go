//go:build real && linux

package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// job is what a child does.
type job struct {
	Place  place
	Broker map[string]string // the worker's settings for it
	Run    string            // part of the ids
	Body   string
	N      int
	Window int
	Way    kind
}

// report is what a child says at its end.
type report struct {
	Mallocs, Bytes float64 // per message
	Seconds        float64
	CPU            float64 `json:"OwnCPU"` // µs per message
}

// run does the job. BENCH_PROFILE names a file for a CPU profile of it.
func (j job) run() error {
	if j.Way == probing {
		return measurePace()
	}
	if path := os.Getenv("BENCH_PROFILE"); path != "" {
		stop, err := profile(path)
		if err != nil {
			return err
		}
		defer stop()
	}
	var before, after runtime.MemStats
	var begin time.Time
	var used time.Duration
	start := func() {
		runtime.ReadMemStats(&before)
		begin, used = time.Now(), ownCPU()
	}
	if err := j.post()(start); err != nil {
		return err
	}
	took, used := time.Since(begin), ownCPU()-used
	runtime.ReadMemStats(&after)
	n := float64(j.N)
	err := json.NewEncoder(os.Stdout).Encode(report{
		Mallocs: float64(after.Mallocs-before.Mallocs) / n, Bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
		Seconds: took.Seconds(), CPU: float64(used.Nanoseconds()) / 1e3 / n,
	})
	_, _ = io.Copy(io.Discard, os.Stdin) // till we have been looked at
	return err
}

func profile(path string) (stop func(), err error) {
	out, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return pprof.StopCPUProfile, pprof.StartCPUProfile(out)
}

// post returns what does the job. It calls start when the preparations are
// over.
func (j job) post() func(start func()) error {
	switch j.Way {
	case viaSink:
		return j.sink
	case drainNATS:
		return j.drainNATS
	case fetchNATS:
		return func(start func()) error { return j.readNATS(j.fetch, start) }
	case iterateNATS:
		return func(start func()) error { return j.readNATS(j.iterate, start) }
	case drainKafka:
		return j.drainKafka
	case readKafka:
		return j.readKafka
	default:
		return j.bare
	}
}

func (j job) bare(start func()) error {
	c, err := dial(context.Background(), j.Place, "notifier", "bare")
	if err != nil {
		return err
	}
	ready := j.Place.stanzas(j.N, j.Run, j.Body)
	start()
	if j.Way == bareAside {
		return c.pourAside(ready, j.Window)
	}
	return c.pour(ready, j.Window)
}

// sink posts through the worker's way to the room.
func (j job) sink(start func()) error {
	room, err := openRoom(j.Place, j.Window)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(ctx) })
	defer running.Wait()
	defer stop()
	names := make([]string, j.N) // they are not the sink's to allocate
	for i := range names {
		names[i] = fmt.Sprint(j.Run, i)
	}
	if err := room.Joined(ctx); err != nil {
		return err
	}
	var left sync.WaitGroup
	left.Add(j.N)
	var failed error
	done := func(r sink.Result) {
		if r.Outcome != sink.Delivered {
			failed = fmt.Errorf("outcome %d: %w", r.Outcome, r.Err)
		}
		left.Done()
	}
	start()
	for _, name := range names {
		if err := room.Submit(ctx, sink.Message{Identity: name, Body: j.Body, Done: done}); err != nil {
			return err
		}
	}
	left.Wait()
	return failed
}

func openRoom(p place, window int) (*sink.Room, error) {
	return sink.New(sink.Config{
		JID: "notifier@" + p.Domain, Password: config.NewSecret("notifier-pw"), Addr: p.Addr, TLS: "starttls",
		CAFile: p.CAFile, Room: p.Room, Nick: p.Nick, MaxInFlight: window / 3, MaxStanzaBytes: 65000, IDKey: config.NewSecret("bench"),
		ConnectTimeout: 30 * time.Second, PingInterval: 30 * time.Second, StallTimeout: time.Minute, ReconnectMax: 30 * time.Second,
	}, quiet())
}

// child is a running sender.
type child struct {
	*exec.Cmd
	in  io.Closer
	out io.Reader
}

func spawn(ctx context.Context, j job) (*child, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	c := &child{Cmd: exec.CommandContext(ctx, os.Args[0])} //nolint:gosec // it is us
	c.Env = append(os.Environ(), asChild+"="+string(text))
	c.Stderr = os.Stderr
	if c.in, err = c.StdinPipe(); err != nil {
		return nil, err
	}
	if c.out, err = c.StdoutPipe(); err != nil {
		return nil, err
	}
	return c, c.Start()
}

// end returns the child's report and lets it go.
func (c *child) end() (report, error) {
	var r report
	err := json.NewDecoder(c.out).Decode(&r)
	return r, errors.Join(err, c.in.Close(), c.Wait())
}
