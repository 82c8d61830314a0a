//go:build real && chaos

package e2e_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestBrokerChaos has three workers between real brokers and a real room, and
// lets happen to them whatever may: brokers and workers are killed, stopped and
// started, workers come and go, the room is away for longer than leases last,
// dead letters find no place, and what is no notification comes in bursts.
//
// What happens, and in which order, follows from a seed. CHAOS_SEED=n runs that
// one; CHAOS_RUNS=n says how many are run otherwise, 20 by default, and CHAOS_FIRST=n
// from which seed on. CHAOS_OUT is the page whose section on brokers is written.
func TestBrokerChaos(t *testing.T) {
	first, runs := uint64(1), 20
	if n, err := strconv.Atoi(os.Getenv("CHAOS_RUNS")); err == nil {
		runs = n
	}
	if seed, err := strconv.ParseUint(os.Getenv("CHAOS_FIRST"), 10, 64); err == nil {
		first = seed
	}
	if seed, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64); err == nil {
		first, runs = seed, 1
	}
	var table rows
	t.Cleanup(func() {
		fmt.Println(table.sums())
		if out := os.Getenv("CHAOS_OUT"); out != "" {
			if err := table.write(out); err != nil {
				t.Error(err)
			}
		}
	})
	for _, kind := range stormKinds() {
		for bed := range uint64(stormBeds) {
			t.Run(fmt.Sprint(kind, " ", bed+1), func(t *testing.T) {
				t.Parallel()
				runStorms(t, kind, first+bed, first+uint64(runs), &table) //nolint:gosec // few
			})
		}
	}
}

// stormBeds is how many runs of a kind go on at once, each with servers of its own:
// for the most part they wait.
const stormBeds = 2

// runStorms runs every stormBeds-th seed.
func runStorms(t *testing.T, kind string, first, end uint64, table *rows) {
	t.Helper()
	if first >= end {
		return
	}
	bed := &bed{dir: t.TempDir()}
	room := bed.xmpp(t, withArchive, 20)
	server := bed.chaosBroker(t, kind)
	bed.summary(t)
	if room == nil || server == nil {
		t.Fatal("nothing to run on")
	}
	for seed := first; seed < end; seed += stormBeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			newStorm(t, seed, kind, room, server).run(table)
		})
	}
}

func stormKinds() []string {
	return []string{"JetStream", strictKind, natsClusterKind, "Kafka", kafkaClusterKind}
}

// chaosServer is a real broker that a test may stop and start.
type chaosServer interface {
	PID() int
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
	Kill() error
}

type chaosBroker struct {
	chaosServer
	open func(t *testing.T) broker
	// faults are what may happen to it. Nil: it is stopped as a whole.
	faults func(*storm) []event
}

func (b *bed) chaosBroker(t *testing.T, kind string) *chaosBroker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	switch kind {
	case "Kafka":
		srv, err := testbed.Kafka(ctx, b.options(0))
		if !b.started(t, srv, err) {
			return nil
		}
		return &chaosBroker{chaosServer: srv, open: func(t *testing.T) broker { t.Helper(); return newKafka(t, srv.Addr) }}
	case natsClusterKind:
		cluster := b.natsCluster(t)
		if cluster == nil {
			return nil
		}
		return &chaosBroker{chaosServer: cluster, open: cluster.open, faults: cluster.faults}
	case kafkaClusterKind:
		cluster := b.kafkaCluster(t)
		if cluster == nil {
			return nil
		}
		return &chaosBroker{chaosServer: cluster, open: cluster.open, faults: cluster.faults}
	}
	srv, err := testbed.NATS(ctx, b.options(0))
	if !b.started(t, srv, err) {
		return nil
	}
	return &chaosBroker{chaosServer: srv, open: func(t *testing.T) broker { t.Helper(); return newNATS(t, srv.URL) }}
}

// start starts the server. On a busy machine the first try may take too long.
func (b *chaosBroker) start(t *testing.T) {
	t.Helper()
	var err error
	for range 3 {
		if err = b.Start(t.Context()); err == nil {
			return
		}
	}
	t.Fatal(err)
}

// storm is one seeded run.
type storm struct {
	*crew
	seed   uint64
	kind   string
	rng    *rand.Rand
	server *chaosBroker
	link   *proxy
	spy    *spy // of JetStream
	good   int
	events []string

	mu     sync.Mutex
	broken map[key]bool
}

const (
	burstSize  = 90
	poisonSize = 10
	eventCount = 6

	stormAckWait = 4 * time.Second
	stormSession = 6 * time.Second
)

func newStorm(t *testing.T, seed uint64, kind string, room func(*testing.T) roomServer, server *chaosBroker) *storm {
	t.Helper()
	t.Logf("CHAOS_SEED=%d", seed)
	if server.PID() == 0 { // an earlier run failed
		server.start(t)
	}
	b := bench{room: room, broker: server.open}
	tr := b.trial(t, room(t))
	s := &storm{
		crew: &crew{trial: tr}, seed: seed, kind: kind, server: server, broken: map[key]bool{},
		rng:  rand.New(rand.NewPCG(seed, uint64(len(kind)))), //nolint:gosec // reproducible on purpose
		link: startProxy(t, tr.env["XMPP_ADDR"]),
	}
	tr.env["XMPP_ADDR"] = s.link.addr()
	tr.env["XMPP_PING_INTERVAL"] = "10s" // a busy room is slow, and the proxy cuts aloud
	tr.env["LOG_LEVEL"] = "info"
	tr.env["NATS_ACK_WAIT"] = stormAckWait.String()
	tr.env["KAFKA_SESSION_TIMEOUT"] = stormSession.String()
	if kind == strictKind {
		tr.env["NATS_ORDER"] = "strict"
	}
	if b, ok := tr.broker.(*natsBroker); ok {
		s.spy = startSpy(t, b)
	}
	for range 3 {
		s.hire()
	}
	return s
}

// run lets events happen under load, and then waits until all is well.
func (s *storm) run(table *rows) {
	s.Helper()
	begin := time.Now()
	var recovery time.Duration
	defer func() { table.add(s.result(time.Since(begin), recovery)) }()
	stop := s.watch.checkAcks(s.broker, s.isBroken)
	s.burst(poisonSize)
	s.watch.wait(s.good)
	events := s.repertoire()
	for range eventCount {
		e := events[s.rng.IntN(len(events))]
		s.events = append(s.events, e.name)
		s.burst(0)
		s.watch.wait(s.good - s.rng.IntN(burstSize)) // in the middle of it
		e.happen()
		s.burst(0)
	}
	calm := time.Now()
	s.watch.wait(s.good)
	s.acknowledged()
	recovery = time.Since(calm)
	stop()
	s.allShown(s.good, 0)
	s.countLetters()
	s.checkOrder()
}

// checkOrder expects that a worker shows the messages of a lane in their order,
// apart from those that JetStream delivered again; or that all workers together show
// those of the stream in its order.
func (s *storm) checkOrder() {
	s.Helper()
	if s.kind == strictKind {
		s.inStreamOrder()
		return
	}
	b, ok := s.broker.(*natsBroker)
	for _, k := range s.watch.late {
		if !ok || !s.spy.saw(b.sequence(k)) {
			s.Errorf("%d-%d was shown after a newer one, by the same worker", k.lane, k.number)
		}
	}
}

// result is what came of it, however far it came.
func (s *storm) result(took, recovery time.Duration) row {
	if s.watch.repeated > 0 || s.Failed() {
		s.Logf("twice: %v", s.watch.twice)
	}
	return row{
		Kind: s.kind, Seed: s.seed, Events: s.events, Published: s.good, Poison: s.poison(),
		Lost: s.good - s.watch.count(), Twice: s.watch.repeated, Late: s.late(),
		Recovery: recovery, Took: took, Failed: s.Failed(),
	}
}

// late is how many notifications were shown out of order.
func (s *storm) late() int {
	if s.kind == strictKind {
		return len(s.outOfOrder())
	}
	return len(s.watch.late)
}

func (s *storm) isBroken(k key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken[k]
}

// countLetters expects a dead letter for every malformed message.
func (s *storm) countLetters() {
	s.Helper()
	until(s.T, "there is a dead letter for every malformed message", func(ctx context.Context) (bool, error) { // a leader may just have moved
		reasons, err := s.broker.deadLetters(ctx, s.poison())
		return len(reasons) >= s.poison(), fmt.Errorf("%d of %d: %w", len(reasons), s.poison(), err)
	})
}

// burst publishes good notifications with some malformed ones among them.
func (s *storm) burst(bad int) {
	s.Helper()
	keys := make([]key, burstSize+bad)
	for i := range keys { // before the lock: the watcher, which notes them, asks with its own what is broken
		keys[i] = key{i % lanes, s.number(i % lanes)}
	}
	s.mu.Lock()
	items := make([]item, burstSize+bad)
	for i, place := range s.rng.Perm(len(items)) {
		k := keys[i]
		items[i] = item{k.lane, notification(k)}
		if place < bad {
			s.broken[k] = true
			items[i].body = items[i].body[:len(items[i].body)-1]
		}
	}
	s.good += burstSize
	s.mu.Unlock()
	s.send(items)
}

func (s *storm) poison() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.broken)
}
