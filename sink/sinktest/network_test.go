package sinktest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func TestDropConnections(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.DropConnections()
	if got := srv.Occupants(); len(got) != 0 {
		t.Errorf("occupants %+v", got)
	}
	c.ended()
	inside(t, srv, notifier(), "notifier")
}

func TestFreeze(t *testing.T) {
	srv := start(t, sinktest.Config{WriteTimeout: time.Second})
	c := inside(t, srv, notifier(), "notifier")
	srv.Freeze()
	c.say("1", "one")
	late := connect(t, srv.Addr()) // a black hole accepts connections
	_ = late.SetReadDeadline(time.Now().Add(1500 * time.Millisecond))
	_, _ = io.WriteString(late, "<stream:stream to='xmpp.test' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
	if n, err := late.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a black hole answered: %d, %v", n, err)
	}
	if len(srv.Transcript()) != 0 || len(c.in) != 0 {
		t.Error("the frozen server went on")
	}
	srv.Unfreeze()
	c.heard("notifier", "1")
}

func TestBlackholeLeavesAGhost(t *testing.T) {
	srv := start(t, sinktest.Config{Profile: sinktest.Profile{OneSessionPerNick: true}})
	ghost := inside(t, srv, notifier(), "notifier")
	srv.Blackhole()
	_ = ghost.tcp.Close()
	c := login(t, srv, notifier())
	if got := c.refused("notifier", ""); !strings.Contains(got.Inner, "<conflict") {
		t.Errorf("the ghost is gone: %s", got.Inner)
	}
}

func TestThrottle(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.Throttle(10_000)
	began := time.Now()
	c.say("1", strings.Repeat("x", 5000))
	c.heard("notifier", "1")
	if took := time.Since(began); took < 400*time.Millisecond {
		t.Errorf("5000 bytes at 10000 per second took %v", took)
	}
}

func TestSlowRoom(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.SlowRoom(30 * time.Millisecond)
	began := time.Now()
	for i := range 4 {
		c.say(fmt.Sprint(i), "x")
	}
	c.heard("notifier", "3")
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("4 messages took %v", took)
	}
}

func TestStreamErrorAndPoliteEnd(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	srv.StreamError("policy-violation", "enough")
	seen := c.ended()
	if last := seen[len(seen)-1]; !strings.Contains(last.Inner, "<policy-violation") || !strings.Contains(last.Inner, "enough") {
		t.Errorf("stream error %+v", last)
	}
	c = inside(t, srv, notifier(), "notifier")
	srv.CloseStreams()
	for _, s := range c.ended() {
		if s.XMLName.Local == "error" {
			t.Errorf("a polite end with %+v", s)
		}
	}
}

func TestShutdown(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c := inside(t, srv, notifier(), "notifier")
	done := make(chan struct{})
	go func() { srv.Shutdown(); close(done) }()
	c.until("332", func(s stanza) bool { return s.has("332") })
	seen := c.ended()
	if last := seen[len(seen)-1]; !strings.Contains(last.Inner, "<system-shutdown") {
		t.Errorf("last words %+v", last)
	}
	_ = c.tcp.Close()
	<-done
	if conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", srv.Addr()); err == nil {
		_ = conn.Close()
		t.Error("the server still listens")
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	inside(t, srv, notifier(), "notifier")
}

func TestClientThatDoesNotRead(t *testing.T) {
	srv := start(t, sinktest.Config{MaxQueueBytes: 64 << 10, WriteTimeout: 2 * time.Second})
	a := observer()
	a.stops = true
	stopped := login(t, srv, a)
	stopped.ask("observer", "")
	if err := srv.WaitOccupant(t.Context(), "observer"); err != nil {
		t.Fatal(err)
	}
	c := inside(t, srv, notifier(), "notifier")
	body := strings.Repeat("x", 30_000)
	sent := 0
	for ; sent < 500 && len(srv.Occupants()) == 2; sent++ {
		srv.PostAs("stranger", fmt.Sprint(sent), body)
		c.heard("stranger", fmt.Sprint(sent))
	}
	if err := srv.Wait(t.Context(), func() bool { return len(srv.Occupants()) == 1 }); err != nil {
		t.Fatal(err)
	}
	c.ping()
}

func TestManyClientsSeeOneOrder(t *testing.T) {
	srv := start(t, sinktest.Config{})
	witness := inside(t, srv, observer(), "witness")
	const clients, each = 5, 200
	var wg sync.WaitGroup
	for i := range clients {
		c := inside(t, srv, notifier(), fmt.Sprint("n", i))
		wg.Go(func() {
			for j := range each {
				c.say(fmt.Sprintf("%d-%d", i, j), "x")
			}
		})
	}
	wg.Wait()
	posts, err := srv.WaitPosts(t.Context(), clients*each)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range posts {
		got := witness.until("a message", func(s stanza) bool { return s.XMLName.Local == "message" })
		if got.ID != p.ID {
			t.Fatalf("the witness got %s where the transcript has %s", got.ID, p.ID)
		}
	}
}

func TestWaitEnds(t *testing.T) {
	srv := start(t, sinktest.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := srv.WaitPosts(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	srv := start(t, sinktest.Config{})
	inside(t, srv, notifier(), "notifier")
	dial(t, srv)
	srv.Freeze()
	connect(t, srv.Addr())
	srv.Close()
	srv.Close()
	left := leftBehind(t)
	for end := time.Now().Add(patience); left != "" && time.Now().Before(end); <-time.After(10 * time.Millisecond) {
		left = leftBehind(t) // the last of a goroutine may take a moment
	}
	if left != "" {
		t.Errorf("left behind: %s", left)
	}
}

// leftBehind is the stack of a goroutine of a server.
func leftBehind(t *testing.T) string {
	t.Helper()
	var stacks strings.Builder
	if err := pprof.Lookup("goroutine").WriteTo(&stacks, 2); err != nil {
		t.Fatal(err)
	}
	for stack := range strings.SplitSeq(stacks.String(), "\n\n") {
		if strings.Contains(stack, "sinktest.(*") && !strings.Contains(stack, "sinktest_test.") {
			return stack
		}
	}
	return ""
}
