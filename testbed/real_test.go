//go:build real

package testbed_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// server is what every handle can do.
type server interface {
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Kill() error
	Log() string
	PID() int
}

// must ends the test if err is one. Software that is not installed skips it,
// unless XMPP_NOTIFIER_REAL=1 demands that everything runs.
func must(t *testing.T, err error) {
	t.Helper()
	var missing *testbed.Missing
	if errors.As(err, &missing) && os.Getenv("XMPP_NOTIFIER_REAL") != "1" {
		t.Skip("not run, because ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func timed(t *testing.T, what string, do func() error) {
	t.Helper()
	begin := time.Now()
	must(t, do())
	t.Logf("%s: %v", what, time.Since(begin).Round(time.Millisecond))
}

// cycle stops, starts, kills and starts s. After each start check looks at the
// service, at the end it has left no process.
func cycle(t *testing.T, s server, check func()) {
	t.Helper()
	t.Cleanup(func() { must(t, s.Kill()) })
	check()
	for _, end := range []struct {
		name string
		do   func() error
	}{
		{"stop", func() error { return s.Stop(t.Context()) }},
		{"kill", s.Kill},
	} {
		pid := s.PID()
		timed(t, end.name, end.do)
		gone(t, s, pid)
		timed(t, "start again", func() error { return s.Start(t.Context()) })
		check()
	}
	if err := s.Start(t.Context()); err == nil {
		t.Error("a second Start of a running server is no error")
	}
	pid := s.PID()
	timed(t, "stop", func() error { return s.Stop(t.Context()) })
	gone(t, s, pid)
	if text, err := os.ReadFile(s.Log()); err != nil || len(text) == 0 {
		t.Errorf("log: %d bytes, %v", len(text), err)
	}
}

// gone checks that nothing is left of process pid, its group and its children.
func gone(t *testing.T, s server, pid int) {
	t.Helper()
	if s.PID() != 0 {
		t.Errorf("PID %d of a server that does not run", s.PID())
	}
	entries, err := os.ReadDir("/proc")
	must(t, err)
	for _, entry := range entries {
		stat, err := os.ReadFile("/proc/" + entry.Name() + "/stat")
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(stat), ") ")
		fields := strings.Fields(rest) // state, parent, group, session
		if fields[1] == strconv.Itoa(os.Getpid()) || fields[2] == strconv.Itoa(pid) {
			t.Errorf("left behind: %s", stat)
		}
	}
}

func TestRealProsody(t *testing.T)  { testXMPP(t, testbed.Prosody) }
func TestRealEjabberd(t *testing.T) { testXMPP(t, testbed.Ejabberd) }

// TestRealJabberd2 leaves out what jabberd2 does not have: throttling by
// bytes and an archive.
func TestRealJabberd2(t *testing.T) {
	t.Run("cycle", func(t *testing.T) { testCycle(t, testbed.Jabberd2) })
	t.Run("crash", func(t *testing.T) { testCrash(t, testbed.Jabberd2) })
	t.Run("history", func(t *testing.T) { testHistory(t, testbed.Jabberd2) })
	t.Run("rooms", func(t *testing.T) {
		x, err := testbed.Jabberd2(t.Context(), testbed.Options{Dir: t.TempDir()})
		must(t, err)
		t.Cleanup(func() { must(t, x.Kill()) })
		must(t, x.Rooms.Stop(t.Context()))
		must(t, x.Rooms.Start(t.Context()))
		login(t, x, "notifier").join("alerts@" + x.MUC)
	})
}

// TestRealVysper leaves out what Vysper does not have: rooms that survive a
// restart, other sizes of history, throttling and an archive.
func TestRealVysper(t *testing.T) {
	x, err := testbed.Vysper(t.Context(), testbed.Options{Dir: t.TempDir()})
	must(t, err)
	cycle(t, x, func() {
		for _, name := range []string{"notifier", "observer", "other", "admin"} {
			o, err := owner.Login(t.Context(), x, name, "alerts")
			must(t, err)
			o.Close()
		}
	})
}

type startXMPP func(context.Context, testbed.Options) (*testbed.XMPP, error)

func testXMPP(t *testing.T, start startXMPP) {
	t.Run("cycle", func(t *testing.T) { testCycle(t, start) })
	t.Run("crash", func(t *testing.T) { testCrash(t, start) })
	t.Run("history", func(t *testing.T) { testHistory(t, start) })
	t.Run("throttle", func(t *testing.T) { testThrottle(t, start) })
}

func testCycle(t *testing.T, start startXMPP) {
	begin := time.Now()
	x, err := start(t.Context(), testbed.Options{Dir: t.TempDir()})
	must(t, err)
	t.Logf("start: %v", time.Since(begin).Round(time.Millisecond))
	cycle(t, x, func() {
		for _, name := range []string{"notifier", "observer", "other", "admin"} {
			login(t, x, name)
		}
	})
}

// testCrash kills a server as soon as it has started. Accounts must be there
// again, and so must a room that was on the disk.
func testCrash(t *testing.T, start startXMPP) {
	x, err := start(t.Context(), testbed.Options{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, x.Kill()) })
	must(t, x.Kill())
	must(t, x.Start(t.Context()))
	room := "alerts@" + x.MUC
	c := login(t, x, "notifier")
	if said := c.join(room); !strings.Contains(said, "code='201'") {
		t.Errorf("room existed before: %s", said)
	}
	c.keep(room)
	must(t, x.Stop(t.Context()))
	must(t, x.Start(t.Context()))
	must(t, x.Kill())
	must(t, x.Start(t.Context()))
	if said := login(t, x, "notifier").join(room); strings.Contains(said, "code='201'") {
		t.Errorf("room did not survive a crash: %s", said)
	}
}

func testHistory(t *testing.T, start startXMPP) {
	for _, want := range []struct{ size, replayed int }{{0, 20}, {3, 3}, {30, 30}, {-1, 0}} {
		x, err := start(t.Context(), testbed.Options{Dir: t.TempDir(), HistorySize: want.size})
		must(t, err)
		t.Cleanup(func() { must(t, x.Kill()) })
		room := "history@" + x.MUC
		c := login(t, x, "notifier")
		c.join(room)
		c.keep(room)
		c.say(room, 35)
		said := login(t, x, "observer").join(room)
		if n := strings.Count(said, "urn:xmpp:delay"); n != want.replayed {
			t.Errorf("HistorySize %d replays %d messages, not %d", want.size, n, want.replayed)
		}
		must(t, x.Kill())
	}
}

// testThrottle posts 60 kB, far more than the limits let through in a second.
func testThrottle(t *testing.T, start startXMPP) {
	took := map[bool]time.Duration{}
	for _, throttle := range []bool{false, true} {
		x, err := start(t.Context(), testbed.Options{Dir: t.TempDir(), Throttle: throttle, Archive: true})
		must(t, err)
		t.Cleanup(func() { must(t, x.Kill()) })
		room := "throttle@" + x.MUC
		c := login(t, x, "notifier")
		if c.join(room); !c.archived(room) {
			t.Error("the room has no archive")
		}
		begin := time.Now()
		c.say(room, 200)
		took[throttle] = time.Since(begin).Round(time.Millisecond)
		must(t, x.Kill())
	}
	t.Logf("200 messages: %v, throttled %v", took[false], took[true])
	if took[true] < 2*time.Second || took[false] > took[true]/2 {
		t.Error("the throttle does not throttle")
	}
}

func TestRealNATS(t *testing.T) {
	begin := time.Now()
	n, err := testbed.NATS(t.Context(), testbed.Options{Dir: t.TempDir()})
	must(t, err)
	t.Logf("start: %v", time.Since(begin).Round(time.Millisecond))
	stored := uint64(0)
	cycle(t, n, func() {
		conn, err := nats.Connect(n.URL)
		must(t, err)
		defer conn.Close()
		js, err := jetstream.New(conn)
		must(t, err)
		config := jetstream.StreamConfig{Name: "ALERTS", Subjects: []string{"alerts"}}
		_, err = js.CreateOrUpdateStream(t.Context(), config)
		must(t, err)
		ack, err := js.Publish(t.Context(), "alerts", []byte("x"))
		must(t, err)
		if stored++; ack.Sequence != stored {
			t.Errorf("sequence %d, want %d", ack.Sequence, stored)
		}
	})
}

func TestRealKafka(t *testing.T) {
	begin := time.Now()
	k, err := testbed.Kafka(t.Context(), testbed.Options{Dir: t.TempDir()})
	must(t, err)
	t.Logf("start: %v", time.Since(begin).Round(time.Millisecond))
	client := kafka.Client{Addr: kafka.TCP(k.Addr), Timeout: 10 * time.Second}
	_, err = client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: "alerts", NumPartitions: 1, ReplicationFactor: 1}},
	})
	must(t, err)
	stored := int64(0)
	cycle(t, k, func() {
		writer := kafka.Writer{Addr: client.Addr, Topic: "alerts", RequiredAcks: kafka.RequireAll, BatchSize: 1}
		must(t, writer.WriteMessages(t.Context(), kafka.Message{Value: []byte("x")}))
		must(t, writer.Close())
		stored++
		offsets, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{"alerts": {kafka.LastOffsetOf(0)}},
		})
		must(t, err)
		if last := offsets.Topics["alerts"][0].LastOffset; last != stored {
			t.Errorf("%d records, want %d", last, stored)
		}
	})
}

// TestRealOrphan checks that a server dies with a test that is killed. The
// test process that gets killed is this test once more, told to by asOrphan.
func TestRealOrphan(t *testing.T) {
	const asOrphan = "TESTBED_ORPHAN"
	if dir := os.Getenv(asOrphan); dir != "" {
		n, err := testbed.NATS(t.Context(), testbed.Options{Dir: dir})
		must(t, err)
		fmt.Printf("server %d\n", n.PID())
		select {} // until killed
	}
	t.Setenv(asOrphan, t.TempDir()) // the helper cannot clean up
	helper, output := startHelper(t)
	pid := 0
	for lines := bufio.NewScanner(output); pid == 0 && lines.Scan(); {
		if n, err := fmt.Sscanf(lines.Text(), "server %d", &pid); n == 0 {
			t.Logf("%s (%v)", lines.Text(), err)
		}
	}
	if pid == 0 {
		t.Fatal("the helper started no server")
	}
	must(t, helper.Kill())
	for deadline := time.Now().Add(time.Minute); ; <-time.After(10 * time.Millisecond) {
		stat, err := fs.ReadFile(os.DirFS("/proc"), strconv.Itoa(pid)+"/stat")
		if err != nil || strings.Contains(string(stat), ") Z ") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the server outlives the test: %s", stat)
		}
	}
}

// startHelper runs this test in another process, and returns what that prints.
func startHelper(t *testing.T) (*os.Process, io.Reader) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	output, input, err := os.Pipe()
	must(t, err)
	helper, err := os.StartProcess(self, []string{self, "-test.run=^TestRealOrphan$"}, &os.ProcAttr{
		Files: []*os.File{nil, input, os.Stderr},
	})
	must(t, errors.Join(err, input.Close()))
	t.Cleanup(func() {
		_ = helper.Kill()
		_, _ = helper.Wait()
		_ = output.Close()
	})
	return helper, output
}

// A cluster serves while any one of its nodes is away.
func TestRealKafkaCluster(t *testing.T) {
	var c *testbed.KafkaCluster
	timed(t, "start", func() (err error) {
		c, err = testbed.StartKafkaCluster(t.Context(), testbed.Options{Dir: t.TempDir()})
		return err
	})
	t.Cleanup(func() { must(t, c.Kill()) })
	client := &kafka.Client{Addr: kafka.TCP(c.Addrs()...)}
	created, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "t", NumPartitions: 1, ReplicationFactor: -1}}})
	must(t, err)
	must(t, created.Errors["t"])
	w := &kafka.Writer{Addr: client.Addr, Topic: "t", RequiredAcks: kafka.RequireAll, MaxAttempts: 60, BatchTimeout: time.Millisecond}
	t.Cleanup(func() { must(t, w.Close()) })
	for _, node := range c.Nodes {
		must(t, node.Kill())
		if c.PID() != 0 {
			t.Error("a node is away, and nobody sees it")
		}
		timed(t, "write without one node", func() error { return w.WriteMessages(t.Context(), kafka.Message{Value: []byte("m")}) })
		timed(t, "start it again", func() error { return c.Start(t.Context()) })
	}
}
