package sink

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
	s := quietRoom(t).newSession(newStream(ours), identity{}, func() {})
	s.join()
	s.out.take()
	for _, id := range []string{"short", strings.Repeat("&apos;", 100_000), strings.Repeat("i", 300)} {
		ask := parse(t, "<iq type='get' from='"+s.room+"/evil' id='"+id+"'><ping xmlns='urn:xmpp:ping'/></iq>")
		for range 100 {
			if err := s.iq(ask); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.iq(parse(t, "<iq type='get' id='"+strings.Repeat("server", 50)+"'><ping xmlns='urn:xmpp:ping'/></iq>")); err != nil {
		t.Fatal(err)
	}
	s.ping(s.occupant, fenceSuffix)
	said := string(s.out.take())
	if len(said) > 2*maxToOthers || !strings.Contains(said, "id='short'") || !strings.Contains(said, "id='server") || !strings.Contains(said, fenceSuffix) {
		t.Errorf("%d bytes are written: %.200s", len(said), said)
	}
}
