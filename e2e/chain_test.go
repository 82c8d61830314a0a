//go:build real

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestChain has alerts on their way from Alertmanager through ingest, JetStream and
// the worker into a room of Prosody, and kills each of the five in turn: nothing is
// lost. Each seed has another order and other moments; CHAIN_SEEDS=20 runs as many.
func TestChain(t *testing.T) {
	seeds := uint64(1)
	if n, err := strconv.ParseUint(os.Getenv("CHAIN_SEEDS"), 10, 32); err == nil {
		seeds = n
	}
	bed := &bed{dir: t.TempDir()}
	room := bed.xmpp(t, withArchive, 500) // the observer may be back later than the worker
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	server, err := testbed.NATS(ctx, bed.options(0))
	ready := bed.started(t, server, err)
	bed.summary(t)
	if room == nil || !ready {
		t.Fatal("nothing to run on")
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { newChain(t, seed, bed, room, server).run() })
	}
}

const (
	chainToken = "for the tests of the chain"
	maxBetween = 60 // notifications that are shown between two kills, at most
	maxAway    = 1500 * time.Millisecond
)

// chain is one seeded run.
type chain struct {
	*trial
	rng            *rand.Rand
	nats           *testbed.NATSServer
	alertmanager   *testbed.AlertmanagerServer
	worker, ingest *process

	mu    sync.Mutex
	fired []firedAlert
}

// firedAlert is what Prometheus sends to Alertmanager.
type firedAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
}

func newChain(t *testing.T, seed uint64, bed *bed, room func(*testing.T) roomServer, server *testbed.NATSServer) *chain {
	t.Helper()
	b := bench{room: room, broker: func(t *testing.T) broker { t.Helper(); return newNATS(t, server.URL) }}
	c := &chain{
		trial: b.trial(t, room(t)), nats: server,
		rng: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // reproducible on purpose
	}
	addr := testbed.FreeAddr(t)
	maps.Copy(c.env, map[string]string{
		"INGEST_ADDR": addr, "INGEST_TOKEN": chainToken, "INGEST_TIMEOUT": "2s", "INGEST_SUBJECT": c.stream() + ".ingest",
	})
	c.worker, c.ingest = startWorker(t, c.env), startCommand(t, "ingest", c.env)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // the first time it is built
	defer cancel()
	var err error
	c.alertmanager, err = testbed.Alertmanager(ctx, bed.options(0), `
route: { receiver: room, group_by: [...], group_wait: 10ms, group_interval: 1s, repeat_interval: 1h }
receivers:
  - name: room
    webhook_configs:
      - url: http://`+addr+`/v1/alertmanager
        http_config: { authorization: { credentials: "`+chainToken+`" } }
`)
	bed.started(t, c.alertmanager, err)
	return c
}

func (c *chain) stream() string { return c.env["NATS_STREAM"] }

// link is a part of the chain.
type link struct {
	name        string
	kill, start func() error
}

// links are all parts, in the order in which they are killed.
func (c *chain) links() []link {
	c.Helper()
	start := func(p **process, name string) func() error {
		return func() error { *p = startCommand(c.T, name, c.env); return nil }
	}
	list := []link{
		{"Alertmanager", c.alertmanager.Kill, func() error { return c.alertmanager.Start(c.Context()) }},
		{"ingest", func() error { c.ingest.kill(); return nil }, start(&c.ingest, "ingest")},
		{"NATS", c.nats.Kill, func() error { return c.nats.Start(c.Context()) }},
		{"worker", func() error { c.worker.kill(); return nil }, start(&c.worker, "run")},
		{"Prosody", func() error { return c.server.stop(c.Context(), true) }, func() error {
			err := c.server.start(c.Context())
			c.watch.sit()
			return err
		}},
	}
	c.rng.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

// run kills one after the other while alerts keep firing, and waits until all is well.
func (c *chain) run() {
	c.Helper()
	begin := time.Now()
	firing, calm := context.WithCancel(c.Context())
	sending, stop := context.WithCancel(c.Context())
	var prometheus sync.WaitGroup
	defer prometheus.Wait()
	defer stop()
	defer calm()
	prometheus.Go(func() { c.sendAlerts(firing, sending) })
	var order []string
	for _, l := range c.links() {
		order = append(order, l.name)
		c.watch.wait(c.watch.count() + 1 + c.rng.IntN(maxBetween)) // all is well, and under load
		if err := l.kill(); err != nil {
			c.Fatal(err)
		}
		<-time.After(time.Duration(c.rng.Int64N(int64(maxAway)))) // how long the outage is
		if err := l.start(); err != nil {
			c.Fatal(err)
		}
	}
	c.watch.wait(c.watch.count() + maxBetween)
	calm()
	all := len(c.all())
	c.settled(all)
	c.allShown(all, uncertain)
	c.Logf("killed %s: lost %d of %d, shown again %d, in %s", strings.Join(order, ", "), all-c.watch.count(), all,
		c.watch.repeated, time.Since(begin).Round(100*time.Millisecond))
}

// fire returns n more alerts that fire from now on.
func (c *chain) fire(n int) []firedAlert {
	c.mu.Lock()
	defer c.mu.Unlock()
	for range n {
		name := fmt.Sprint("0-", c.number(0))
		c.fired = append(c.fired, firedAlert{
			Labels:      map[string]string{"alertname": "Chain", "severity": "warning", "name": name},
			Annotations: map[string]string{"summary": "n " + name}, StartsAt: time.Now(),
		})
	}
	return slices.Clone(c.fired[len(c.fired)-n:])
}

// all are the alerts that fire.
func (c *chain) all() []firedAlert {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.fired)
}

// sendAlerts sends new alerts a hundred times a second until firing ends, and every
// second all that fire, as Prometheus does every minute: Alertmanager keeps them in
// memory only.
func (c *chain) sendAlerts(firing, sending context.Context) {
	tick, again := time.NewTicker(20*time.Millisecond), time.NewTicker(time.Second)
	defer tick.Stop()
	defer again.Stop()
	for {
		select {
		case <-again.C:
			c.postAlerts(sending, c.all())
		case <-tick.C:
			if firing.Err() == nil {
				c.postAlerts(sending, c.fire(2))
			}
		case <-sending.Done():
			return
		}
	}
}

// postAlerts makes one attempt; another follows.
func (c *chain) postAlerts(ctx context.Context, alerts []firedAlert) {
	body, err := json.Marshal(alerts)
	if err != nil {
		c.Error(err)
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.alertmanager.URL+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		c.Error(err)
		return
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return // it is away
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		c.Errorf("Alertmanager answers %s", answer.Status)
	}
}

// settled waits until JetStream has stored n alerts and nothing left that is not
// acknowledged; what the room has not shown by then is lost.
func (c *chain) settled(n int) {
	c.Helper()
	js := c.broker.(*natsBroker).js //nolint:forcetypeassert // it is that
	until(c.T, "all is stored and acknowledged", func(ctx context.Context) (bool, error) {
		consumer, err := js.Consumer(ctx, c.stream(), "xmpp-notifier")
		if err != nil {
			return false, err
		}
		info := consumer.CachedInfo()
		stored := info.Delivered.Stream + info.NumPending
		return stored >= uint64(n) && info.NumPending == 0 && info.NumAckPending == 0, //nolint:gosec // small
			fmt.Errorf("%d stored, %d pending, %d not acknowledged", stored, info.NumPending, info.NumAckPending)
	})
	if err := c.watch.occupant.Fence(c.Context()); err != nil {
		c.Error(err)
	}
	missing := slices.DeleteFunc(c.all(), func(a firedAlert) bool {
		lane, number, _ := strings.Cut(a.Labels["name"], "-")
		first, _ := strconv.Atoi(lane)
		second, _ := strconv.Atoi(number)
		c.watch.mu.Lock()
		defer c.watch.mu.Unlock()
		return c.watch.live[key{first, second}] > 0
	})
	for _, a := range missing {
		c.Errorf("%s is acknowledged and not shown", a.Labels["name"])
	}
}
