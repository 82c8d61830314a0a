//go:build real && linux

package bench_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// TestScale measures several workers that share one durable consumer and one room, on
// real servers, and a hundred of them on the room of the tests.
func TestScale(t *testing.T) {
	b := &bed{t, &common{dir: t.TempDir()}}
	b.binary = sync.OnceValue(func() string {
		binary, err := testbed.Build(t.Context(), b.dir)
		must(t, err)
		return binary
	})
	b.nats = sync.OnceValue(func() broker { return newNATS(t, filepath.Join(b.dir, "nats")) })
	rows := newTable("room", "workers", "per second", "÷ one worker", "late", "each worker reads, bytes", "CPU of all workers, µs", "CPU of the server, µs")
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		b.scale(rows, p.name, s, s.PID(), 1, 2, 4, 8)
		must(b, s.Kill())
	}
	b.scale(rows, "in the test's process", b.ownRoom(), 0, 1, 10, 100)
	t.Logf("all columns but the first four are for each notification; load average %.1f\n\n%s", number("/proc/loadavg", ""), rows.text)
}

// ownRoom is a room in this process.
func (b *bed) ownRoom() *testbed.XMPP {
	b.Helper()
	room, err := sinktest.Start(sinktest.Config{Room: "bench", HistorySize: history})
	must(b, err)
	b.Cleanup(room.Close)
	ca := filepath.Join(b.dir, "ca.pem")
	must(b, os.WriteFile(ca, room.CAPEM(), 0o600))
	_, service, _ := strings.Cut(room.RoomJID(), "@")
	return &testbed.XMPP{Addr: room.Addr(), Domain: room.Domain(), MUC: service, CAFile: ca}
}

func (b *bed) scale(rows *table, name string, s *testbed.XMPP, pid int, counts ...int) {
	b.Helper()
	var alone float64
	for _, workers := range counts {
		r := b.crew(s, pid, workers, fewer(2000))
		if alone == 0 {
			alone = r.rate
		}
		rows.row(name, fmt.Sprint(workers), digits(0, r.rate), digits(2, r.rate/alone), digits(2, r.late), digits(0, r.read), digits(0, r.workers), digits(0, r.server))
		b.Log(rows.text)
	}
}

// crewFigure is what several workers did; all but the rate is for each notification.
type crewFigure struct {
	rate, late, read float64
	workers, server  float64 // CPU in µs
}

// crew has workers carry n notifications.
func (b *bed) crew(s *testbed.XMPP, pid, workers, n int) (f crewFigure) {
	b.Helper()
	env, err := b.nats().create(b.Context(), b.name("scale"))
	must(b, err)
	staff := make([]*testbed.Worker, workers)
	for i := range staff {
		staff[i] = b.startWorker(s, env)
		defer b.stop(staff[i])
	}
	seen := b.watch(s)
	defer seen.occupant.Close()
	sum := func() (read float64, used time.Duration) {
		for _, w := range staff {
			read += number(fmt.Sprintf("/proc/%d/io", w.Pid()), "rchar:")
			used += cpu(w.Pid())
		}
		return read, used
	}
	readBefore, usedBefore := sum()
	serverBefore := cpu(pid)
	b.number(env["NATS_STREAM"], n)
	first := seen.await(b, n/5)
	f.rate = float64(n-n/5) / seen.await(b, n).Sub(first).Seconds()
	read, used := sum()
	f.read = (read - readBefore) / float64(workers*n)
	f.workers = float64((used - usedBefore).Microseconds()) / float64(n)
	f.server = float64((cpu(pid) - serverBefore).Microseconds()) / float64(n)
	f.late = float64(seen.late) / float64(n)
	return f
}

// number publishes n notifications with their numbers.
func (b *bed) number(stream string, n int) {
	b.Helper()
	js := b.nats().(*natsBroker).js //nolint:forcetypeassert // it is that
	for i := range n {
		body := fmt.Appendf(nil, `{"id":"%s-%d","source":"bench","severity":"warning","subject":"n %d","message":"%s"}`, stream, i, i, strings.Repeat("lorem ipsum ", 17))
		_, err := js.PublishAsync(stream, body, jetstream.WithStallWait(patience))
		must(b, err)
	}
}

// seen counts what the room shows.
type seen struct {
	occupant    *observer.Observer
	mu          sync.Mutex
	count, late int
	newest      int
	changed     chan struct{}
}

func (b *bed) watch(s *testbed.XMPP) *seen {
	b.Helper()
	pem, err := os.ReadFile(s.CAFile)
	must(b, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	w := &seen{newest: -1, changed: make(chan struct{}, 1)}
	w.occupant, err = observer.Join(b.Context(), observer.Options{
		Addr: s.Addr, Domain: s.Domain, User: "observer", Password: testbed.Password("observer"), CA: pool, Room: roomOf(s), Nick: b.name("observer"), OnMessage: w.take,
	})
	must(b, err)
	return w
}

func (w *seen) take(m observer.Message) {
	var number int
	_, text, found := strings.Cut(m.Body, "n ")
	if _, err := fmt.Sscan(text, &number); !found || err != nil || m.Delayed {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count++
	if number < w.newest {
		w.late++
	}
	w.newest = max(w.newest, number)
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// await returns when n have been shown, and when that was.
func (w *seen) await(b *bed, n int) time.Time {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	for {
		w.mu.Lock()
		count := w.count
		w.mu.Unlock()
		if count >= n {
			return time.Now()
		}
		select {
		case <-w.changed:
		case <-ctx.Done():
			b.Fatalf("the room has shown %d of %d", count, n)
		}
	}
}
