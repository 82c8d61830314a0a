package conn

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// A throttled server takes a large batch in many times the timeout. One that
// stops in the middle is given up after the timeout.
func TestSlowServerIsNoDeadServer(t *testing.T) {
	const timeout, size = 10 * time.Second, 50 * maxPiece
	for name, tc := range map[string]struct {
		takes int
		want  error
	}{
		"slow":  {size, nil},
		"stuck": {size / 2, os.ErrDeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				w, stop := newWriter(), make(chan struct{})
				w.append(func(b []byte) []byte { return append(b, make([]byte, size)...) })
				var reading sync.WaitGroup
				defer reading.Wait()
				reading.Go(func() {
					for range tc.takes / 4096 {
						time.Sleep(time.Second)
						_, _ = io.CopyN(io.Discard, theirs, 4096)
					}
					time.Sleep(2 * timeout)
					close(stop)
				})
				defer func() { _ = ours.Close() }()
				if err := w.run(ours, timeout, stop); !errors.Is(err, tc.want) {
					t.Errorf("error %v, want %v", err, tc.want)
				}
			})
		})
	}
}

// Whoever asks us again and again, with long ids, neither delays what we have to
// say by much nor keeps us from asking, or from answering our server.
func TestAnswersToOthersAreBounded(t *testing.T) {
	ours, _ := net.Pipe()
	c := Over(ours, Identity{}, "example.org")
	for _, id := range []string{"short", strings.Repeat("&apos;", 100_000), strings.Repeat("i", 300)} {
		ask := parse(t, "<iq type='get' from='room@muc.example.org/evil' id='"+id+"'><ping xmlns='urn:xmpp:ping'/></iq>")
		for range 100 {
			if err := c.iq(ask); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.iq(parse(t, "<iq type='get' id='"+strings.Repeat("server", 50)+"'><ping xmlns='urn:xmpp:ping'/></iq>")); err != nil {
		t.Fatal(err)
	}
	c.Ask(Request{To: "room@muc.example.org/me", Type: "get", Payload: "<question/>"})
	said := string(c.out.take())
	if len(said) > 2*maxToOthers || !strings.Contains(said, "id='short'") || !strings.Contains(said, "id='server") || !strings.Contains(said, "<question/>") {
		t.Errorf("%d bytes are written: %.200s", len(said), said)
	}
}

// An answer counts once, and from who was asked: others may have seen its id.
func TestAnswersCountFromWhoWasAsked(t *testing.T) {
	ours, _ := net.Pipe()
	c := Over(ours, Identity{}, "example.org")
	answers := 0
	c.Ask(Request{
		To: "room@muc.example.org", Type: "get",
		By:     func(from []byte) bool { return string(from) == "room@muc.example.org" },
		Answer: func(Answer) error { answers++; return nil },
	})
	_, id, _ := strings.Cut(string(c.out.take()), "id='")
	id, _, _ = strings.Cut(id, "'")
	for _, from := range []string{"room@muc.example.org/evil", "room@muc.example.org", "room@muc.example.org"} {
		if err := c.iq(parse(t, "<iq type='result' from='"+from+"' id='"+id+"'/>")); err != nil {
			t.Fatal(err)
		}
		if want := map[bool]int{true: 0, false: 1}[strings.HasSuffix(from, "evil")]; answers != want {
			t.Errorf("%s: %d answers", from, answers)
		}
	}
}

func parse(t *testing.T, text string) wire.Element {
	t.Helper()
	e, err := wire.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}
