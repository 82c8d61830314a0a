package interop_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const token = "only for these tests"

// victim can be killed and started again.
type victim interface {
	kill()
	start(t *testing.T)
}

// setup is a room, NATS, and the program twice: as the worker and as ingest.
type setup struct {
	room           *sinktest.Server
	nats           *broker
	worker, ingest *program
	addr           string
}

// binary is the program, built once.
var binary = sync.OnceValues(func() (string, error) { //nolint:gochecknoglobals // built once for all tests
	dir, err := os.MkdirTemp("", "xmpp-notifier-interop")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "xmpp-notifier")
	build := exec.Command("go", "build", "-o", path, "./cmd/xmpp-notifier")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

func startSetup(t *testing.T) *setup {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	room, err := sinktest.Start(sinktest.Config{KeepHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	s := &setup{room: room, nats: startBroker(t), addr: testbed.FreeAddr(t)}
	env := append(os.Environ(),
		"SOURCES=nats", "NATS_URL=nats://"+s.nats.addr(), "NATS_STREAM=NOTIFY", "NATS_SUBJECTS=notify.>", "NATS_ACK_WAIT=2s",
		"XMPP_JID=notifier@"+room.Domain(), "XMPP_PASSWORD=notifier-pw", "XMPP_ADDR="+room.Addr(), "XMPP_ROOM="+room.RoomJID(),
		"XMPP_CA_FILE="+writeFile(t, "ca.pem", string(room.CAPEM())), "XMPP_RECONNECT_MAX=1s",
		"INGEST_ADDR="+s.addr, "INGEST_TOKEN="+token, "INGEST_TIMEOUT=2s",
	)
	prepare := exec.CommandContext(t.Context(), path, "init", "--create")
	prepare.Env = env
	if out, err := prepare.CombinedOutput(); err != nil {
		t.Fatalf("init: %v\n%s", err, out)
	}
	s.worker = &program{path: path, command: "run", env: env}
	s.ingest = &program{path: path, command: "ingest", env: env}
	for _, p := range []*program{s.worker, s.ingest} {
		p.start(t)
		t.Cleanup(func() {
			p.kill()
			if t.Failed() {
				t.Logf("log of %s:\n%s", p.command, p.log())
			}
		})
	}
	return s
}

func (s *setup) url() string { return "http://" + s.addr + "/v1/alertmanager" }

func (s *setup) posts() []string {
	var bodies []string
	for _, post := range s.room.Transcript() {
		bodies = append(bodies, post.Body)
	}
	return bodies
}

func (s *setup) must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// awaitPosts waits until the room has shown n messages, and returns all.
func (s *setup) awaitPosts(t *testing.T, n int) []string {
	t.Helper()
	s.await(t, fmt.Sprintf("%d posts", n), func() bool { return len(s.posts()) >= n })
	if posts := s.posts(); len(posts) > n {
		t.Fatalf("the room has shown %d messages, want %d: %q", len(posts), n, posts)
	}
	return s.posts()
}

func (s *setup) await(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(limit); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("waited for %s for %s; the room has shown %d messages", what, limit, len(s.posts()))
		}
	}
}

// program is one process of ours.
type program struct {
	path, command string
	env           []string

	process *exec.Cmd
	mu      sync.Mutex
	output  bytes.Buffer
}

// Write takes what the program says.
func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *program) log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

func (p *program) start(t *testing.T) {
	t.Helper()
	p.process = exec.CommandContext(t.Context(), p.path, p.command)
	p.process.Env, p.process.Stdout, p.process.Stderr = p.env, p, p
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
}

// kill ends the program without a chance to do anything.
func (p *program) kill() {
	_ = p.process.Process.Kill()
	_ = p.process.Wait()
}

// broker is a NATS server with JetStream that keeps its port and its files.
type broker struct {
	options server.Options
	server  *server.Server
}

func startBroker(t *testing.T) *broker {
	t.Helper()
	b := &broker{options: server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true}}
	b.start(t)
	b.options.Port = b.server.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens by TCP
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *broker) addr() string { return fmt.Sprintf("127.0.0.1:%d", b.options.Port) }

func (b *broker) start(t *testing.T) {
	t.Helper()
	options := b.options
	s, err := server.NewServer(&options)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(limit) {
		t.Fatal("NATS does not start")
	}
	b.server = s
}

func (b *broker) stop() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// kill is stop: a server in the test's process cannot die alone.
func (b *broker) kill() { b.stop() }
