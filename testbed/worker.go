package testbed

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const workerPkg = "github.com/xmpp-notifier/xmpp-notifier/cmd/xmpp-notifier"

// Build compiles the worker into dir as releases have it, and returns the path of the
// binary.
func Build(ctx context.Context, dir string) (string, error) {
	path := filepath.Join(dir, "xmpp-notifier")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, workerPkg) //nolint:gosec // the caller chooses the folder
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the worker: %w\n%s", err, out)
	}
	return path, nil
}

// Worker is the running binary, whatever the command.
type Worker struct {
	*process
	log string
}

// StartWorker starts the binary with a command, and with nothing but env in its
// environment: the last of them that has a name decides. Its output goes to a file in
// dir.
func StartWorker(binary, command, dir string, env ...map[string]string) (*Worker, error) {
	log, err := os.CreateTemp(dir, command+"-*.log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()   // the child has its own copy
	cmd := exec.Command(binary, command) //nolint:gosec,noctx // the binary is ours; Stop and Kill end it
	cmd.Stdout, cmd.Stderr = log, log
	all := map[string]string{}
	for _, e := range env {
		maps.Copy(all, e)
	}
	for name, value := range all {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	p, err := launch(cmd)
	return &Worker{p, log.Name()}, err
}

// Pid is its process id.
func (w *Worker) Pid() int { return w.cmd.Process.Pid }

// Text is what it has written so far.
func (w *Worker) Text() string {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Tail is the end of that.
func (w *Worker) Tail() string {
	text := w.Text()
	return text[max(0, len(text)-6000):]
}

// Joined waits until it has entered the room.
func (w *Worker) Joined(ctx context.Context) error {
	for !strings.Contains(w.Text(), `msg="in the room"`) {
		select {
		case <-time.After(time.Millisecond): // nothing announces a line in a file
		case <-w.done:
			return fmt.Errorf("the worker ended: %w\n%s", w.err, w.Tail())
		case <-ctx.Done():
			return fmt.Errorf("the worker did not enter the room: %w\n%s", ctx.Err(), w.Tail())
		}
	}
	return nil
}

// Signal sends it a signal.
func (w *Worker) Signal(s os.Signal) error { return w.cmd.Process.Signal(s) }

// Stop ends the worker in order, within limit, and returns the error that it ended
// with.
func (w *Worker) Stop(limit time.Duration) error {
	if err := w.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return w.Wait(limit)
}

// Wait waits for its end, and returns the error that it ended with.
func (w *Worker) Wait(limit time.Duration) error {
	select {
	case <-w.done:
		return w.err
	case <-time.After(limit):
		return fmt.Errorf("the worker is still there after %v, killed: %w", limit, w.Kill())
	}
}

// Kill ends it at once, if it has not ended.
func (w *Worker) Kill() error { return w.kill() }

// Running reports whether it has not ended.
func (w *Worker) Running() bool { return w.running() }
