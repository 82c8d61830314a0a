package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	patience  = 120 * time.Second
	workerPkg = "github.com/xmpp-notifier/xmpp-notifier/cmd/xmpp-notifier"
)

// binary is the worker, built once for all tests.
var binary string //nolint:gochecknoglobals // one build serves all tests

// buildWorker builds the binary into a folder that the caller removes.
func buildWorker() (dir string, err error) {
	dir, err = os.MkdirTemp("", "xmpp-notifier-e2e-")
	if err != nil {
		return "", err
	}
	binary = filepath.Join(dir, "xmpp-notifier")
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", binary, workerPkg).CombinedOutput()
	if err != nil {
		return dir, errors.New(string(out))
	}
	return dir, nil
}

// process is a running command of ours.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    *os.File
	exited <-chan error
}

// startWorker starts the worker with nothing but env in its environment.
func startWorker(t *testing.T, env ...map[string]string) *process {
	t.Helper()
	return startCommand(t, "run", env...)
}

// startCommand starts the binary with a command.
func startCommand(t *testing.T, name string, env ...map[string]string) *process {
	t.Helper()
	log, err := os.CreateTemp(t.TempDir(), name+"-*.log")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, cmd: exec.Command(binary, name), log: log} //nolint:noctx // ended by signals
	p.cmd.Stdout, p.cmd.Stderr = log, log
	all := map[string]string{"SHUTDOWN_GRACE": "10s", "LOG_LEVEL": "debug", "HOME": os.Getenv("HOME")}
	for _, e := range env {
		maps.Copy(all, e)
	}
	for k, v := range all {
		p.cmd.Env = append(p.cmd.Env, k+"="+v)
	}
	if p.exited, err = testbed.Start(p.cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		p.keepsSecrets(all)
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, p.tail())
		}
		_ = log.Close()
	})
	return p
}

func (p *process) tail() []byte {
	text, _ := os.ReadFile(p.log.Name())
	return text[max(0, len(text)-6000):]
}

// terminate sends SIGTERM and expects a clean exit.
func (p *process) terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.exited:
		if err != nil {
			p.t.Errorf("worker after SIGTERM: %v", err)
		}
	case <-time.After(patience):
		p.t.Fatal("worker did not stop")
	}
	if !bytes.Contains(p.tail(), []byte("stopped")) {
		p.t.Error("worker did not say that it stopped")
	}
}

// kill ends the worker without a chance to stop in order.
func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	if err := <-p.exited; err == nil {
		p.t.Error("worker ended well before it was killed")
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
