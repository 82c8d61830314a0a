//go:build real && linux

package bench_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

const workerPkg = "github.com/xmpp-notifier/xmpp-notifier/cmd/xmpp-notifier"

// build makes the binary as releases have it, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "xmpp-notifier")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, workerPkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the worker: %v\n%s", err, out)
	}
	return path
}

// worker is a running binary.
type worker struct {
	*exec.Cmd
	joined chan struct{} // closed when it is in the room
	joins  atomic.Int32  // how often it came in
	reader sync.WaitGroup
}

// startWorker starts the binary with nothing but env in its environment.
func startWorker(ctx context.Context, binary string, p place, env map[string]string) (*worker, error) {
	all := map[string]string{
		"XMPP_JID": "notifier@" + p.Domain, "XMPP_PASSWORD": "notifier-pw", "XMPP_ADDR": p.Addr,
		"XMPP_ROOM": p.Room, "XMPP_CA_FILE": p.CAFile,
	}
	maps.Copy(all, env)
	w := &worker{Cmd: exec.CommandContext(ctx, binary), joined: make(chan struct{})}
	for k, v := range all {
		w.Env = append(w.Env, k+"="+v)
	}
	log, err := w.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := w.Start(); err != nil {
		return nil, err
	}
	w.reader.Go(func() { w.read(log) })
	return w, nil
}

// read passes on warnings, and looks for the line that says we are in.
func (w *worker) read(log io.Reader) {
	var once sync.Once
	for lines := bufio.NewScanner(log); lines.Scan(); {
		switch line := lines.Text(); {
		case strings.Contains(line, "in the room") && strings.Contains(line, "level=INFO"):
			w.joins.Add(1)
			once.Do(func() { close(w.joined) })
		case !strings.Contains(line, "level=INFO") && !strings.Contains(line, "level=DEBUG"):
			_, _ = os.Stderr.WriteString(line + "\n")
		}
	}
}

// stop ends the worker in order.
func (w *worker) stop() error {
	err := w.Process.Signal(syscall.SIGTERM)
	w.reader.Wait()
	return errors.Join(err, w.Wait())
}
