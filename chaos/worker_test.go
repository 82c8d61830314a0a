//go:build real

package chaos_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// worker is the real binary.
type worker struct {
	*testing.T
	cmd *exec.Cmd
	log string
}

// startWorker starts the binary with nothing but env in its environment. The
// times are short, so that many faults fit into one run.
func startWorker(t *testing.T, binary string, env map[string]string) *worker {
	t.Helper()
	all := map[string]string{
		"XMPP_RECONNECT_MAX": "2s", "XMPP_PING_INTERVAL": "1s", "XMPP_CONNECT_TIMEOUT": "10s",
		"XMPP_MAX_IN_FLIGHT": strconv.Itoa(inFlight), "SHUTDOWN_GRACE": "10s",
	}
	maps.Copy(all, env)
	w := &worker{T: t, cmd: exec.CommandContext(t.Context(), binary), log: filepath.Join(t.TempDir(), "worker.log")}
	for k, v := range all {
		w.cmd.Env = append(w.cmd.Env, k+"="+v)
	}
	out, err := os.Create(w.log)
	must(t, err)
	w.cmd.Stderr = out
	must(t, w.cmd.Start())
	must(t, out.Close())
	t.Cleanup(func() {
		_ = w.cmd.Process.Kill() // it has ended, if all went well
		if text := w.text(); t.Failed() {
			t.Logf("log of the worker:\n%s", text[max(0, len(text)-6000):])
		}
	})
	return w
}

func (w *worker) text() string {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// kill ends the worker at once.
func (w *worker) kill() {
	w.Helper()
	must(w, w.cmd.Process.Kill())
	_ = w.cmd.Wait() // it was killed
}

// stop ends the worker in order.
func (w *worker) stop() {
	w.Helper()
	must(w, w.cmd.Process.Signal(syscall.SIGTERM))
	kill := time.AfterFunc(patience, func() { _ = w.cmd.Process.Kill() })
	defer kill.Stop()
	must(w, w.cmd.Wait())
}

var (
	perhapsTwice = regexp.MustCompile(`possible_duplicates=(\d+)`)
	nickname     = regexp.MustCompile(`msg="in the room".* nick=(\S+)`)
)

// perhaps is how many notifications the worker itself held to be shown twice,
// perhaps.
func (w *worker) perhaps() int {
	sum := 0
	for _, found := range perhapsTwice.FindAllStringSubmatch(w.text(), -1) {
		n, err := strconv.Atoi(found[1])
		must(w, err)
		sum += n
	}
	return sum
}

// joins is how often the worker has entered the room, and its last nickname.
func (w *worker) joins() (count int, nick string) {
	found := nickname.FindAllStringSubmatch(w.text(), -1)
	if len(found) == 0 {
		return 0, ""
	}
	return len(found), found[len(found)-1][1]
}
