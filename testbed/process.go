package testbed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// killLimit bounds the wait for a process that got SIGKILL. Only the kernel
// can delay its end.
const killLimit = 10 * time.Second

// command is what to run, and where its output goes.
type command struct {
	args []string
	env  []string // added to our own
	dir  string   // "" is our own
	log  string   // file that standard output and error are appended to
}

// process is a child that leads a process group of its own and dies with us.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the child is gone, after err is set
	err  error
}

// spawn starts c. The child outlives ctx: it ends by itself or by kill.
func spawn(ctx context.Context, c command) (*process, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer func() { _ = log.Close() }() // the child has its own copy

	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.args[0], c.args[1:]...) //nolint:gosec // the commands are this package's own
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Dir = c.dir
	cmd.Stdout, cmd.Stderr = log, log
	return launch(cmd)
}

// launch starts cmd such that it dies with this process, however that ends (Linux).
func launch(cmd *exec.Cmd) (*process, error) {
	cmd.SysProcAttr = ownGroup()
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.run(started)
	return p, <-started
}

// run starts the child and waits for its end, on one thread: Linux sends the
// parent-death signal when the thread that started the child ends, so this
// thread has to live as long as the child.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.done)
	err := p.cmd.Start()
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

func (p *process) running() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// errStays is the end of the wait for a process that was asked to end.
var errStays = errors.New("still there")

// stop asks the process to end, and returns an error if it had to be killed:
// when limit has passed or ctx has ended.
func (p *process) stop(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w after %v, killed", errStays, limit))
	defer cancel()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has gone already
	select {
	case <-p.done:
		return p.kill() // what it may have left behind
	case <-ctx.Done():
		if err := p.kill(); err != nil {
			return err
		}
		return context.Cause(ctx)
	}
}

// kill ends the whole process group at once and waits for that.
func (p *process) kill() error {
	killGroup(p.cmd.Process)
	select {
	case <-p.done:
		return nil
	case <-time.After(killLimit):
		return fmt.Errorf("process %d is still there %v after SIGKILL", p.cmd.Process.Pid, killLimit)
	}
}

// execute runs c to its end. The error of a failure tells what it printed last.
func execute(ctx context.Context, c command) error {
	name := filepath.Base(c.args[0])
	p, err := spawn(ctx, c)
	if err != nil {
		return fmt.Errorf("run %s: %w", name, err)
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		_ = p.kill() // the end of ctx is the news
		return fmt.Errorf("run %s: %w", name, context.Cause(ctx))
	}
	if p.err != nil {
		return fmt.Errorf("run %s: %w\n%s", name, p.err, tail(c.log))
	}
	return nil
}

// tail returns the last lines of a log, for error messages.
func tail(path string) string {
	const lines = 25
	text, err := os.ReadFile(path) //nolint:gosec // the logs are this package's own
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	all = all[max(0, len(all)-lines):]
	return "the end of " + path + ":\n\t" + strings.Join(all, "\n\t")
}
