//go:build real

package chaos_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// watcher counts what an independent occupant is shown.
type watcher struct {
	*testing.T
	options  observer.Options
	occupant *observer.Observer

	mu       sync.Mutex
	first    map[int]time.Time // when a notification was first shown
	history  map[past]bool     // what the history and the archive of the present visit showed
	repeated map[int]int
	disorder int
	last     int
	ids      []string // of what was shown, the latest last
}

// past is a notification in the history, or in the archive.
type past struct {
	n        int
	archived bool
}

// title is the part of a notification by which it is recognised.
var title = regexp.MustCompile(`n (\d+)\b`)

func watch(t *testing.T, x *testbed.XMPP, room string) *watcher {
	t.Helper()
	pem, err := os.ReadFile(x.CAFile)
	must(t, err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	w := &watcher{T: t, first: map[int]time.Time{}, repeated: map[int]int{}, options: observer.Options{
		Addr: x.Addr, Domain: x.Domain, User: "observer", Password: testbed.Password("observer"), CA: pool, Room: room, Nick: "observer",
	}}
	w.options.OnMessage = w.message
	w.join()
	t.Cleanup(func() { w.occupant.Close() })
	return w
}

// join joins the room, as soon as the server allows, when all that the last one was
// sent has been read.
func (w *watcher) join() {
	w.Helper()
	if w.occupant != nil {
		w.finish()
	}
	until(w.T, "the observer is in the room", func(ctx context.Context) (bool, error) {
		w.mu.Lock()
		w.history = map[past]bool{}
		w.mu.Unlock()
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		occupant, err := observer.Join(ctx, w.options)
		if err == nil {
			w.occupant = occupant
		}
		return err == nil, err
	})
}

// finish leaves the room when all is read: what the server answers to comes
// last, and so does the end of the connection.
func (w *watcher) finish() {
	ctx, cancel := context.WithTimeout(w.Context(), 5*time.Second)
	defer cancel()
	if w.occupant.Fence(ctx) != nil {
		select {
		case <-w.occupant.Done():
		case <-ctx.Done():
		}
	}
	w.occupant.Close()
}

func (w *watcher) message(m observer.Message) {
	found := title.FindStringSubmatch(m.Body)
	if found == nil || !strings.HasPrefix(m.Nick, "notifier") {
		return
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, known := w.first[n]
	before := past{n, m.Archived}
	switch {
	case m.Delayed && !w.history[before]:
		w.history[before] = true
		if known {
			return // we saw it happen
		}
	case known:
		w.repeated[n]++
		return
	}
	w.first[n] = time.Now()
	w.ids = append(w.ids, m.ID)
	if n < w.last {
		w.disorder++
	}
	w.last = max(w.last, n)
}

// count returns how many different notifications the room has shown.
func (w *watcher) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.first)
}

// wait waits until n different notifications have been shown.
func (w *watcher) wait(n int) {
	w.Helper()
	until(w.T, fmt.Sprintf("the room has shown %d notifications", n), func(context.Context) (bool, error) {
		got := w.count()
		return got >= n, fmt.Errorf("it has shown %d", got)
	})
}

// missing returns which of the first n have not been shown.
func (w *watcher) missing(n int) []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []int
	for i := 1; i <= n; i++ {
		if _, shown := w.first[i]; !shown {
			list = append(list, i)
		}
	}
	return list
}

// silence returns when the longest pause between two notifications ended that
// ended after the given moment.
func (w *watcher) silence(after time.Time) (end time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := slices.SortedFunc(maps.Values(w.first), time.Time.Compare)
	var longest time.Duration
	for i := 1; i < len(all); i++ {
		if d := all[i].Sub(all[i-1]); d > longest && all[i].After(after) {
			longest, end = d, all[i]
		}
	}
	return end
}

// repeats returns how many times something was shown again.
func (w *watcher) repeats() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	sum := 0
	for _, n := range w.repeated {
		sum += n
	}
	return sum
}

// lastIDs returns the ids of what was shown last.
func (w *watcher) lastIDs(n int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.ids[max(0, len(w.ids)-n):]...)
}
