package sink

import (
	"errors"
	"io"
	"net"
	"os"
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
