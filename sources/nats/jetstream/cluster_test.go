package jetstream_test

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// TestClusterChaos has the consumer's leader move and die, again and again, while
// a source receives and acknowledges. Every notification is delivered, and none
// whose acknowledgement was called durable is delivered again. CHAOS_RUNS=n runs
// it with n seeds.
func TestClusterChaos(t *testing.T) {
	t.Parallel()
	seeds, err := strconv.ParseUint(os.Getenv("CHAOS_RUNS"), 10, 64)
	if err != nil {
		seeds = 1
	}
	for seed := range seeds {
		clusterChaos(t, rand.New(rand.NewPCG(seed, 1))) //nolint:gosec // it shall be the same every time
	}
}

func clusterChaos(t *testing.T, chance *rand.Rand) {
	t.Helper()
	c := natstest.NewCluster(t)
	settings := natstest.Settings("")
	settings.URLs = strings.Split(c.URLs(), ",")
	cfg := source.Config{Stream: natstest.Stream, Consumer: natstest.Durable, AckWait: sourcetest.Patience}
	src, err := source.Open(settings, cfg, slog.New(slog.DiscardHandler))
	natstest.Must(t, err)
	t.Cleanup(func() { _ = src.Close(t.Context()) })
	const rounds, size = 5, 40
	log := &deliveryLog{durable: map[string]bool{}, seen: map[string]bool{}}
	next := natstest.Background(t, src)
	for round := range rounds {
		c.Publish(t, round*size, (round+1)*size)
		if chance.IntN(2) == 0 {
			c.StepDown(t)
		} else {
			c.KillLeader(t)
		}
		for patience := time.After(2 * sourcetest.Patience); log.count() < (round+1)*size; {
			select {
			case batch := <-next:
				for _, d := range batch {
					if log.isDurable(d.Envelope.ID) {
						t.Errorf("%s is delivered again, although it is durable", d.Place())
					}
					log.see(d.Envelope.ID)
					natstest.Must(t, d.Ack(func() { log.makeDurable(d.Envelope.ID) }))
				}
			case <-patience:
				t.Fatalf("round %d: %d of %d were delivered", round, log.count(), (round+1)*size)
			}
		}
		c.Restart(t)
	}
	sourcetest.Eventually(t, "the last acknowledgement is durable", func() bool { return log.durables() == rounds*size })
	sourcetest.Eventually(t, "the ack floor is the last message", func() bool { return c.Info(t).AckFloor.Stream == rounds*size })
}

// deliveryLog is what was delivered, and what of it is durable.
type deliveryLog struct {
	mu            sync.Mutex
	seen, durable map[string]bool
}

func (l *deliveryLog) see(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen[id] = true
}

func (l *deliveryLog) makeDurable(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.durable[id] = true
}

func (l *deliveryLog) isDurable(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable[id]
}

func (l *deliveryLog) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

func (l *deliveryLog) durables() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.durable)
}
