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
)

// job is what the bare sender does.
type job struct {
	Place place
	Run   string // part of the ids
	Body  string
	N     int
}

// run posts stanzas that are ready, with never more in flight than the worker
// has: as many echoes as a read brings, as many messages the next write sends.
func (j job) run() error {
	c, err := dial(context.Background(), j.Place, "notifier", "bare")
	if err != nil {
		return err
	}
	ready := j.Place.stanzas(j.N, j.Run, j.Body)
	sent, shown := 0, 0
	for shown < j.N {
		if next := min(shown+inFlight, j.N); next > sent {
			if _, err := c.conn.Write(ready.part(sent, next)); err != nil {
				return err
			}
			sent = next
		}
		back, err := c.echoes()
		if err != nil {
			return err
		}
		shown += back
	}
	_, err = io.Copy(io.Discard, os.Stdin) // till we have been looked at
	return err
}

// sender is a running contestant.
type sender struct {
	pid  int
	stop func() error
}

// bareSender starts a bare sender.
func (b *bed) bareSender(j job) (sender, error) {
	text, err := json.Marshal(j)
	if err != nil {
		return sender{}, err
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0]) //nolint:gosec // it is us
	cmd.Env = append(os.Environ(), asChild+"="+string(text))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return sender{}, err
	}
	if err := cmd.Start(); err != nil {
		return sender{}, err
	}
	return sender{cmd.Process.Pid, func() error { return errors.Join(in.Close(), cmd.Wait()) }}, nil
}

// stanzas are messages of the same size, ready to be written.
type stanzas struct {
	text    []byte
	size, n int
}

// part returns some of them.
func (s *stanzas) part(from, to int) []byte { return s.text[from*s.size : to*s.size] }

// stanzas returns n messages with the given body, all of the same length; run
// makes their ids unlike those of other runs.
func (p place) stanzas(n int, run, body string) *stanzas {
	var text []byte
	for i := range n {
		text = fmt.Appendf(text, "<message to='%s' type='groupchat' id='%-12.12s%016d'><body>%s</body></message>", p.Room, run, i, body)
	}
	return &stanzas{text, len(text) / max(n, 1), n}
}
