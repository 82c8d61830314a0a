//go:build real

package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const (
	// patience bounds every single wait.
	patience     = 90 * time.Second
	inFlight     = 16 // XMPP_MAX_IN_FLIGHT
	mostRepeated = 3 * inFlight
)

// bed is what all trials share.
type bed struct {
	dir, binary string
	nats        *natsServer
	seed        uint64
	runs        int

	mu      sync.Mutex
	folders int
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newBed builds the worker and starts the broker. CHAOS_SEED repeats the
// random moments of an earlier run, as far as real servers can repeat.
func newBed(t *testing.T) *bed {
	t.Helper()
	b := &bed{dir: t.TempDir(), runs: number(t, "CHAOS_RUNS", 1), seed: rand.Uint64()} //nolint:gosec // it chooses moments
	if text := os.Getenv("CHAOS_SEED"); text != "" {
		var err error
		b.seed, err = strconv.ParseUint(text, 10, 64)
		must(t, err)
	}
	t.Logf("CHAOS_SEED=%d", b.seed)
	var err error
	b.binary, err = testbed.Build(t.Context(), b.dir)
	must(t, err)
	b.nats = startNATS(t, b.folder())
	return b
}

// number reads a setting of the run.
func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

func (b *bed) folder() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.folders++
	return filepath.Join(b.dir, strconv.Itoa(b.folders))
}

// serverKind is a server that can be had.
type serverKind struct {
	name  string
	start func(context.Context, testbed.Options) (*testbed.XMPP, error)
}

func kinds() []serverKind {
	return []serverKind{{"Prosody", testbed.Prosody}, {"ejabberd", testbed.Ejabberd}}
}

// start starts a server until the end of the test. Where it is not installed
// the test is skipped, unless CI=true demands that all run.
func (b *bed) start(t *testing.T, k serverKind, o testbed.Options) *testbed.XMPP {
	t.Helper()
	o.Dir = b.folder()
	x, err := k.start(t.Context(), o)
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	must(t, err)
	t.Cleanup(func() { must(t, x.Kill()) })
	return x
}

// until waits for a condition that nothing announces.
func until(t *testing.T, what string, condition func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := condition(ctx)
		if ok {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain until %s: %v", what, err)
		case <-tick.C:
		}
	}
}

// pause lets an outage last.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal(fmt.Errorf("pause: %w", t.Context().Err()))
	}
}
