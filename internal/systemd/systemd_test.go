package systemd_test

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/systemd"
)

// manager is the service manager's end.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

func newManager(t *testing.T) manager {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return manager{t, conn}
}

// hears waits for a line, whatever comes before it, and returns that.
func (m manager) hears(want string) (before []string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		m.t.Fatal(err)
	}
	buffer := make([]byte, 1000)
	for {
		n, err := m.conn.Read(buffer)
		if err != nil {
			m.t.Fatalf("waiting for %s after %q: %v", want, before, err)
		}
		line := string(buffer[:n])
		if line == want {
			return before
		}
		before = append(before, line)
	}
}

func TestSystemdHearsHowTheWorkerIs(t *testing.T) {
	m := newManager(t)
	t.Setenv("WATCHDOG_USEC", "100000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	var state atomic.Pointer[systemd.State]
	state.Store(&systemd.State{Line: "not in the room yet"})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		systemd.Report(ctx, func() systemd.State { return *state.Load() }, slog.New(slog.DiscardHandler))
	}()
	m.hears("STATUS=not in the room yet")
	m.hears("WATCHDOG=1")
	state.Store(&systemd.State{Ready: true, Line: "in the room"})
	for _, line := range m.hears("READY=1") {
		if line == "STATUS=not in the room yet" {
			t.Error("the same status is said again")
		}
	}
	state.Store(&systemd.State{Line: "disconnected"})
	m.hears("STATUS=disconnected")
	state.Store(&systemd.State{Ready: true, Line: "in the room again"})
	m.hears("STATUS=in the room again")
	stop()
	for _, line := range m.hears("STOPPING=1") {
		if line == "READY=1" {
			t.Error("ready a second time")
		}
	}
	<-ended
}

func TestWithoutSystemdNothingHappens(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	systemd.Report(context.Background(), func() systemd.State {
		t.Error("the state is looked at")
		return systemd.State{}
	}, slog.New(slog.DiscardHandler))
}
