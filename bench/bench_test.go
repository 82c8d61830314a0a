//go:build real && linux

package bench_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// patience bounds every single run.
const patience = 3 * time.Minute

// window is the default of XMPP_WINDOW.
const window = 20

// bed is what all measurements share.
type bed struct {
	*testing.T
	dir    string
	binary string
	bytes  int64 // size of the binary
	nats   *natsBroker
	kafka  *kafkaBroker
	rounds int
	body   string
	count  int // makes names unique
}

// server is an XMPP server with a room.
type server struct {
	*testbed.XMPP
	name string
	place
}

type start func(context.Context, testbed.Options) (*testbed.XMPP, error)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestBench measures and writes the report to the file BENCH_OUT. BENCH_ROUNDS
// is how often each contestant has its turn.
func TestBench(t *testing.T) {
	b := &bed{T: t, dir: t.TempDir(), rounds: 5}
	if testing.Short() {
		b.rounds = 1
	}
	if text := os.Getenv("BENCH_ROUNDS"); text != "" {
		var err error
		b.rounds, err = strconv.Atoi(text)
		must(t, err)
	}
	b.binary, b.bytes = build(t)
	b.nats = newNATS(t, filepath.Join(b.dir, "nats"))
	b.kafka = newKafka(t, filepath.Join(b.dir, "kafka"))
	r := &results{bed: b, begin: load()}
	for _, s := range []struct {
		name  string
		start start
	}{{"Prosody", testbed.Prosody}, {"ejabberd", testbed.Ejabberd}} {
		r.servers = append(r.servers, b.measure(s.name, s.start))
	}
	r.end = load()
	if out := os.Getenv("BENCH_OUT"); out != "" {
		must(t, os.WriteFile(out, []byte(r.markdown()), 0o644)) //nolint:gosec // for everybody to read
	} else {
		t.Log(r.markdown())
	}
}

// serve starts a server with a room, until the end of the test.
func (b *bed) serve(name string, start start, o testbed.Options) *server {
	b.Helper()
	o.Dir = filepath.Join(b.dir, b.name(name))
	x, err := start(b.Context(), o)
	must(b, err)
	b.Cleanup(func() { must(b, x.Kill()) })
	admin, err := owner.Login(b.Context(), x, "admin", "bench")
	must(b, err)
	defer admin.Close()
	must(b, admin.Create(b.Context(), owner.Room{}))
	return &server{x, name, place{Addr: x.Addr, Domain: x.Domain, CAFile: x.CAFile, Room: "bench@" + x.MUC}}
}

// name makes a name that was not used before.
func (b *bed) name(prefix string) string {
	b.count++
	return fmt.Sprintf("%s%d", strings.ToLower(prefix), b.count)
}

// measure takes all measurements on one server.
func (b *bed) measure(name string, start start) *serverResults {
	b.Helper()
	s := b.serve(name, start, testbed.Options{})
	r := &serverResults{name: name, version: packageVersion(strings.ToLower(name))}
	b.body = b.rendered(s)
	for round := range b.rounds {
		r.main = append(r.main, b.turns(s, b.contestants(), round))
	}
	for round := range max(1, b.rounds*3/5) {
		r.sweep = append(r.sweep, b.turns(s, sweep(), round))
	}
	r.latency = b.latencies(s)
	r.startup = b.startups(s)
	must(b, s.Kill())
	r.throttled = b.slow(name, start, testbed.Options{Throttle: true}, 150)
	r.archive = b.slow(name, start, testbed.Options{Archive: true}, 400)
	return r
}

// rendered returns what the worker makes of a notification, so that all
// contestants send the same text.
func (b *bed) rendered(s *server) string {
	b.Helper()
	env, err := b.nats.fill(b.Context(), b.name("text"), 1)
	must(b, err)
	observer, err := dial(b.Context(), s.place, "observer", "observer")
	must(b, err)
	defer func() { _ = observer.conn.Close() }()
	w, err := startWorker(b.Context(), b.binary, s.place, env)
	must(b, err)
	defer func() { must(b, w.stop()) }()
	must(b, observer.conn.SetReadDeadline(time.Now().Add(patience)))
	var got string
	for !strings.Contains(got, "</body>") {
		n, err := observer.conn.Read(observer.buf)
		must(b, err)
		got += string(observer.buf[:n])
	}
	got, _, _ = strings.Cut(got, "</body>")
	_, body, _ := strings.Cut(got, "<body>")
	return body
}
