//go:build real

package chaos_test

import (
	"regexp"
	"strconv"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// worker is the real binary.
type worker struct {
	*testing.T
	*testbed.Worker
}

// startWorker starts the binary with nothing but env in its environment. The
// times are short, so that many faults fit into one run.
func startWorker(t *testing.T, binary string, env map[string]string) *worker {
	t.Helper()
	w, err := testbed.StartWorker(binary, "run", t.TempDir(), map[string]string{
		"XMPP_RECONNECT_MAX": "2s", "XMPP_PING_INTERVAL": "1s", "XMPP_CONNECT_TIMEOUT": "10s",
		"XMPP_MAX_IN_FLIGHT": strconv.Itoa(inFlight), "SHUTDOWN_GRACE": "10s",
	}, env)
	must(t, err)
	t.Cleanup(func() {
		_ = w.Kill() // it has ended, if all went well
		if t.Failed() {
			t.Logf("log of the worker:\n%s", w.Tail())
		}
	})
	return &worker{t, w}
}

// kill ends the worker at once.
func (w *worker) kill() {
	w.Helper()
	must(w, w.Kill())
}

// stop ends the worker in order.
func (w *worker) stop() {
	w.Helper()
	must(w, w.Stop(patience))
}

var (
	possibleDuplicates = regexp.MustCompile(`possible_duplicates=(\d+)`)
	address            = regexp.MustCompile(`msg="in the room".* jid=(\S+)`)
	nickname           = regexp.MustCompile(`msg="in the room".* nick=(\S+)`)
)

// counted is how many notifications the worker itself says may be shown twice.
func (w *worker) counted() int {
	sum := 0
	for _, found := range possibleDuplicates.FindAllStringSubmatch(w.Text(), -1) {
		n, err := strconv.Atoi(found[1])
		must(w, err)
		sum += n
	}
	return sum
}

// joins is how often the worker has entered the room, and its last nickname.
func (w *worker) joins() (count int, nick string) {
	found := nickname.FindAllStringSubmatch(w.Text(), -1)
	if len(found) == 0 {
		return 0, ""
	}
	return len(found), found[len(found)-1][1]
}

// jid is the worker's address in its present session.
func (w *worker) jid() string {
	found := address.FindAllStringSubmatch(w.Text(), -1)
	if len(found) == 0 {
		w.Fatal("the worker was in no room")
	}
	return found[len(found)-1][1]
}
