package natstest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// Server is a server with JetStream that keeps its address and its data.
type Server interface {
	Addr() string
	// Configure replaces the configuration, from the next start or reload on.
	Configure(t testing.TB, config ...string)
	Reload(t testing.TB)
	Up(t testing.TB)
	Down(t testing.TB)
	// LameDuck ends the server as an operator does before maintenance.
	LameDuck(t testing.TB)
}

// NewServer starts a server, inside the test process or as one of its own.
func NewServer(t testing.TB, config ...string) Server {
	t.Helper()
	if realServers {
		return newProcess(t, config...)
	}
	s := &embedded{dir: t.TempDir(), listen: "127.0.0.1:-1"}
	s.Configure(t, config...)
	s.Up(t)
	t.Cleanup(func() { s.Down(t) })
	return s
}

// embedded is a server inside the test process.
type embedded struct {
	dir, listen string
	config      []string
	srv         *server.Server
}

func (s *embedded) file() string { return filepath.Join(s.dir, "nats.conf") }

func (s *embedded) Addr() string { return s.listen }

func (s *embedded) Configure(t testing.TB, config ...string) {
	t.Helper()
	s.config = config
	text := "listen: \"" + s.listen + "\"\nmax_closed_clients: 10\njetstream { store_dir: \"" + s.dir + "\" }\n" + strings.Join(config, "\n")
	Must(t, os.WriteFile(s.file(), []byte(text), 0o600))
}

func (s *embedded) Up(t testing.TB) {
	t.Helper()
	opts, err := server.ProcessConfigFile(s.file())
	Must(t, err)
	opts.NoLog, opts.NoSigs = true, true
	s.srv, err = server.NewServer(opts)
	Must(t, err)
	s.srv.Start()
	if !s.srv.ReadyForConnections(sourcetest.Patience) {
		t.Fatal("server does not become ready")
	}
	s.listen = s.srv.Addr().String()
	s.Configure(t, s.config...) // with the port
}

func (s *embedded) Reload(t testing.TB) { t.Helper(); Must(t, s.srv.Reload()) }

func (s *embedded) Down(testing.TB) {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

func (s *embedded) LameDuck(testing.TB) {
	s.srv.LameDuckShutdown()
	s.srv.WaitForShutdown()
}

// process is a real server.
type process struct{ srv *testbed.NATSServer }

func newProcess(t testing.TB, config ...string) Server {
	t.Helper()
	srv, err := testbed.NATS(t.Context(), testbed.Options{Dir: t.TempDir()}, config...)
	if missing, ok := errors.AsType[*testbed.Missing](err); ok {
		t.Fatal(missing) // whoever asks for real servers must have them
	}
	Must(t, err)
	t.Cleanup(func() { Must(t, srv.Kill()) })
	return process{srv}
}

func (p process) Addr() string { return p.srv.Addr }

func (p process) Configure(t testing.TB, config ...string) {
	t.Helper()
	Must(t, p.srv.Configure(config...))
}

func (p process) Reload(t testing.TB) { t.Helper(); Must(t, p.srv.Reload(t.Context())) }

func (p process) Up(t testing.TB) { t.Helper(); Must(t, p.srv.Start(t.Context())) }

func (p process) Down(t testing.TB) {
	t.Helper()
	Must(t, p.srv.Stop(context.WithoutCancel(t.Context())))
}

func (p process) LameDuck(t testing.TB) {
	t.Helper()
	Must(t, p.srv.LameDuck(t.Context()))
	sourcetest.Eventually(t, "the server has ended", func() bool { return p.srv.PID() == 0 })
}
