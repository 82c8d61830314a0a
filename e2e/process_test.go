package e2e_test

import (
	"context"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const patience = 120 * time.Second

// binary is the worker, built once for all tests.
var binary string //nolint:gochecknoglobals // one build serves all tests

// buildWorker builds the binary into a folder that the caller removes.
func buildWorker() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "xmpp-notifier-e2e-"); err != nil {
		return "", err
	}
	binary, err = testbed.Build(context.Background(), dir)
	return dir, err
}

// process is a running command of ours.
type process struct {
	*testbed.Worker
	t *testing.T
}

// startWorker starts the worker with nothing but env in its environment.
func startWorker(t *testing.T, env ...map[string]string) *process {
	t.Helper()
	return startCommand(t, "run", env...)
}

// startCommand starts the binary with a command.
func startCommand(t *testing.T, name string, env ...map[string]string) *process {
	t.Helper()
	return startBinary(t, binary, name, env...)
}

// startBinary starts what runs the binary with a command.
func startBinary(t *testing.T, path, name string, env ...map[string]string) *process {
	t.Helper()
	all := map[string]string{"SHUTDOWN_GRACE": "10s", "LOG_LEVEL": "debug", "HOME": os.Getenv("HOME")}
	for _, e := range env {
		maps.Copy(all, e)
	}
	w, err := testbed.StartWorker(path, name, t.TempDir(), all)
	if err != nil {
		t.Fatal(err)
	}
	p := &process{w, t}
	t.Cleanup(func() {
		_ = w.Kill() // it has ended, if all went well
		p.keepsSecrets(all)
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, w.Tail())
		}
	})
	return p
}

// terminate sends SIGTERM and expects a clean exit.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.Stop(patience); err != nil {
		p.t.Errorf("worker after SIGTERM: %v", err)
	}
	if !strings.Contains(p.Tail(), "stopped") {
		p.t.Error("worker did not say that it stopped")
	}
}

// kill ends the worker without a chance to stop in order.
func (p *process) kill() {
	p.t.Helper()
	if !p.Running() {
		p.t.Error("worker ended before it was killed")
	}
	if err := p.Kill(); err != nil {
		p.t.Fatal(err)
	}
}

// until waits for a condition that nothing announces.
func until(t *testing.T, what string, condition func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s: %v", what, err)
		case <-tick.C:
		}
	}
}
