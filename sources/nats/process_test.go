package nats_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// natsServer is a server with JetStream that keeps its address and its data.
type natsServer interface {
	addr() string
	// configure replaces the configuration, from the next start or reload on.
	configure(t testing.TB, config ...string)
	reload(t testing.TB)
	start(t testing.TB)
	stop(t testing.TB)
	// lameDuck ends the server as an operator does before maintenance.
	lameDuck(t testing.TB)
}

// newServer starts a server, inside the test process or as one of its own.
func newServer(t testing.TB, config ...string) natsServer {
	t.Helper()
	if realServers {
		return newProcess(t, config...)
	}
	s := &embedded{dir: t.TempDir(), listen: "127.0.0.1:-1"}
	s.configure(t, config...)
	s.start(t)
	t.Cleanup(func() { s.stop(t) })
	return s
}

// embedded is a server inside the test process.
type embedded struct {
	dir, listen string
	config      []string
	srv         *server.Server
}

func (s *embedded) file() string { return filepath.Join(s.dir, "nats.conf") }

func (s *embedded) addr() string { return s.listen }

func (s *embedded) configure(t testing.TB, config ...string) {
	t.Helper()
	s.config = config
	text := "listen: \"" + s.listen + "\"\nmax_closed_clients: 10\njetstream { store_dir: \"" + s.dir + "\" }\n" + strings.Join(config, "\n")
	must(t, os.WriteFile(s.file(), []byte(text), 0o600))
}

func (s *embedded) start(t testing.TB) {
	t.Helper()
	opts, err := server.ProcessConfigFile(s.file())
	must(t, err)
	opts.NoLog, opts.NoSigs = true, true
	s.srv, err = server.NewServer(opts)
	must(t, err)
	s.srv.Start()
	if !s.srv.ReadyForConnections(patience) {
		t.Fatal("server does not become ready")
	}
	s.listen = s.srv.Addr().String()
	s.configure(t, s.config...) // with the port
}

func (s *embedded) reload(t testing.TB) { t.Helper(); must(t, s.srv.Reload()) }

func (s *embedded) stop(testing.TB) {
	s.srv.Shutdown()
	s.srv.WaitForShutdown()
}

func (s *embedded) lameDuck(testing.TB) {
	s.srv.LameDuckShutdown()
	s.srv.WaitForShutdown()
}

// process is a real server.
type process struct{ *testbed.NATSServer }

func newProcess(t testing.TB, config ...string) natsServer {
	t.Helper()
	srv, err := testbed.NATS(t.Context(), testbed.Options{Dir: t.TempDir()}, config...)
	if missing, ok := errors.AsType[*testbed.Missing](err); ok {
		t.Fatal(missing) // whoever asks for real servers must have them
	}
	must(t, err)
	t.Cleanup(func() { must(t, srv.Kill()) })
	return process{srv}
}

func (p process) addr() string { return p.Addr }

func (p process) configure(t testing.TB, config ...string) {
	t.Helper()
	must(t, p.Configure(config...))
}

func (p process) reload(t testing.TB) { t.Helper(); must(t, p.Reload(t.Context())) }

func (p process) start(t testing.TB) { t.Helper(); must(t, p.Start(t.Context())) }

func (p process) stop(t testing.TB) {
	t.Helper()
	must(t, p.Stop(context.WithoutCancel(t.Context())))
}

func (p process) lameDuck(t testing.TB) {
	t.Helper()
	must(t, p.LameDuck(t.Context()))
	eventually(t, "the server has ended", func() bool { return p.PID() == 0 })
}
