//go:build real

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// natsCluster is three servers that share their streams. What happens to it happens
// to one of them: the others go on.
type natsCluster struct {
	servers []*testbed.NATSServer
	broker  *natsBroker // of the present test
	rng     *rand.Rand
}

func (b *bed) natsCluster(t *testing.T) *natsCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	servers, err := testbed.NATSCluster(ctx, b.options(0), 3)
	c := &natsCluster{servers: servers, rng: rand.New(rand.NewPCG(1, 1))} //nolint:gosec // reproducible on purpose
	if !b.started(t, natsServers(servers), err) {
		return nil
	}
	return c
}

// natsServers are stopped together.
type natsServers []*testbed.NATSServer

func (list natsServers) Stop(ctx context.Context) error {
	var errs []error
	for _, s := range list {
		errs = append(errs, s.Stop(ctx))
	}
	return errors.Join(errs...)
}

// leaderTime bounds a question to a leader, which may be gone: then nobody answers.
const leaderTime = 3 * time.Second

func (c *natsCluster) urls() string {
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.URL)
	}
	return strings.Join(urls, ",")
}

func (c *natsCluster) open(t *testing.T) broker {
	t.Helper()
	c.broker = newReplicatedNATS(t, c.urls(), 3)
	return c.broker
}

// leader is the server that leads the consumer, the stream, or any one.
func (c *natsCluster) leader() *testbed.NATSServer {
	ctx, cancel := context.WithTimeout(context.Background(), leaderTime)
	defer cancel()
	var cluster *jetstream.ClusterInfo
	if consumer, err := c.broker.js.Consumer(ctx, c.broker.stream, "xmpp-notifier"); err == nil && c.rng.IntN(2) == 0 {
		cluster = consumer.CachedInfo().Cluster
	} else if stream, err := c.broker.js.Stream(ctx, c.broker.stream); err == nil {
		cluster = stream.CachedInfo().Cluster
	}
	i := c.rng.IntN(len(c.servers))
	if cluster != nil {
		_, _ = fmt.Sscanf(cluster.Leader, "s%d", &i) // else any one
	}
	return c.servers[i]
}

// PID is 0 if one of the servers does not run.
func (c *natsCluster) PID() int {
	for _, s := range c.servers {
		if s.PID() == 0 {
			return 0
		}
	}
	return c.servers[0].PID()
}

// Start starts those that do not run.
func (c *natsCluster) Start(ctx context.Context) error {
	for _, s := range c.servers {
		if s.PID() == 0 {
			if err := s.Start(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// Kill kills a leader.
func (c *natsCluster) Kill() error { return c.leader().Kill() }

// Stop terminates a leader.
func (c *natsCluster) Stop(ctx context.Context) error { return c.leader().Stop(ctx) }

// stepDown has the leader of the stream or of the consumer give that up.
func (c *natsCluster) stepDown(ctx context.Context) error {
	subject := "$JS.API.STREAM.LEADER.STEPDOWN." + c.broker.stream
	if c.rng.IntN(2) == 0 {
		subject = "$JS.API.CONSUMER.LEADER.STEPDOWN." + c.broker.stream + ".xmpp-notifier"
	}
	ctx, cancel := context.WithTimeout(ctx, leaderTime)
	defer cancel()
	_, err := c.broker.js.Conn().RequestWithContext(ctx, subject, nil)
	return err
}

// TestNATSCluster has leaders of a cluster of three die and move under load: nothing
// is lost, and nothing is shown twice.
func TestNATSCluster(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	room, cluster := bed.xmpp(t, withArchive, 20), bed.natsCluster(t)
	bed.summary(t)
	if room == nil || cluster == nil {
		return
	}
	tr := bench{room: room, broker: cluster.open}.trial(t, room(t))
	c := &crew{trial: tr}
	c.hire()
	c.hire()
	const size = 90
	stop := tr.watch.checkAcks(tr.broker, none)
	for round := range 4 {
		tr.publish(size)
		tr.watch.wait(round*size + size/3)
		if round%2 == 0 {
			if err := errors.Join(cluster.Kill(), cluster.Start(t.Context())); err != nil {
				t.Fatal(err)
			}
			continue
		}
		until(t, "the leader gives up", func(ctx context.Context) (bool, error) {
			err := cluster.stepDown(ctx)
			return err == nil, err
		})
	}
	tr.watch.wait(4 * size)
	tr.acknowledged()
	stop()
	tr.allShown(4*size, 0)
}

// TestStrictOrder has two workers that keep the order of the stream, of which one is
// killed at any moment, and sometimes both.
func TestStrictOrder(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	room, broker := bed.xmpp(t, withArchive, 20), bed.nats(t)
	bed.summary(t)
	if room == nil || broker == nil {
		return
	}
	tr := bench{room: room, broker: broker}.trial(t, room(t))
	tr.env["NATS_ORDER"] = "strict"
	c := &crew{trial: tr}
	c.hire()
	c.hire()
	const rounds, size = 4, 300
	for round := range rounds {
		tr.publish(size)
		tr.watch.wait(round*size + rand.IntN(size)) //nolint:gosec // at any moment
		for range 1 + round%2 {
			c.kill(rand.IntN(len(c.staff))) //nolint:gosec // any worker
			c.hire()
		}
	}
	tr.watch.wait(rounds * size)
	tr.acknowledged()
	tr.allShown(rounds*size, 0)
	tr.inStreamOrder()
	for len(c.staff) > 0 {
		c.terminate(0)
	}
}

// inStreamOrder expects that the room has shown the notifications in the order of the
// stream.
func (tr *trial) inStreamOrder() {
	tr.Helper()
	if late := tr.outOfOrder(); len(late) > 0 {
		tr.Errorf("out of the stream's order: %d, the first of them %v", len(late), late[:min(len(late), 5)])
	}
}

// outOfOrder are the notifications that were shown after a newer one of the stream.
func (tr *trial) outOfOrder() []key {
	b, ok := tr.broker.(*natsBroker)
	if !ok {
		return nil
	}
	places := b.sequences()
	tr.watch.mu.Lock()
	defer tr.watch.mu.Unlock()
	var late []key
	var newest uint64
	for _, k := range tr.watch.sequence {
		if places[k] < newest {
			late = append(late, k)
		}
		newest = max(newest, places[k])
	}
	return late
}

// sequences are the numbers of the notifications in the stream.
func (b *natsBroker) sequences() map[key]uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	places := map[key]uint64{}
	var count [lanes]int
	for i, lane := range b.lanes {
		count[lane]++
		places[key{lane, count[lane]}] = uint64(i) + 1
	}
	return places
}
