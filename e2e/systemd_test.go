package e2e_test

import (
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// serviceManager is systemd's end of sd_notify(3).
type serviceManager struct {
	t      *testing.T
	conn   *net.UnixConn
	socket string
}

func newServiceManager(t *testing.T) *serviceManager {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &serviceManager{t, conn, socket}
}

// hears waits for a line and returns those before it.
func (m *serviceManager) hears(want string) (before []string) {
	m.t.Helper()
	if err := m.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		m.t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	for {
		n, err := m.conn.Read(buffer)
		if err != nil {
			m.t.Fatalf("waiting for %s after %q: %v", want, before, err)
		}
		if line := string(buffer[:n]); line != want {
			before = append(before, line)
			continue
		}
		return before
	}
}

// TestSystemdIsToldWhenTheWorkerIsInTheRoom: ready is neither too early nor
// missing, the watchdog is fed, and the stop is told.
func TestSystemdIsToldWhenTheWorkerIsInTheRoom(t *testing.T) {
	b := bench{
		room:   func(t *testing.T) roomServer { return inProcessRoom(t, 20) },
		broker: embeddedNATS,
	}
	tr := b.trial(t, b.room(t))
	m := newServiceManager(t)
	p := startWorker(t, tr.env, map[string]string{"NOTIFY_SOCKET": m.socket, "WATCHDOG_USEC": "1000000"})
	before := m.hears("READY=1")
	if !slices.Contains(before, "STATUS=in the room, all sources receive") {
		t.Errorf("ready after %q", before)
	}
	m.hears("WATCHDOG=1")
	tr.publish(3)
	tr.watch.wait(3)
	p.terminate()
	m.hears("STOPPING=1")
}
