package natstest

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// Cluster is three servers inside the test process that share their streams.
type Cluster struct {
	Conn *client.Conn
	JS   jetstream.JetStream

	servers []*server.Server
	options []*server.Options
}

// NewCluster starts a cluster with the stream and the durable on all of its
// servers.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{}
	routes := freeRoutes(t, 3)
	for i := range routes {
		c.startServer(t, i, routes)
	}
	for _, s := range c.servers {
		if !s.ReadyForConnections(sourcetest.Patience) {
			t.Fatal("server does not become ready")
		}
	}
	var err error
	c.Conn, err = client.Connect(c.URLs(), client.MaxReconnects(-1), client.ReconnectWait(20*time.Millisecond))
	Must(t, err)
	t.Cleanup(c.Conn.Close)
	c.JS, err = jetstream.New(c.Conn)
	Must(t, err)
	sourcetest.Eventually(t, "the cluster makes the stream", func() bool {
		_, err := c.JS.CreateStream(t.Context(), jetstream.StreamConfig{Name: Stream, Subjects: []string{"notify.>"}, Replicas: 3})
		return err == nil
	})
	sourcetest.Eventually(t, "the cluster makes the consumer", func() bool {
		_, err := c.JS.CreateConsumer(t.Context(), Stream, jetstream.ConsumerConfig{
			Durable: Durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 2 * AckWait, MaxDeliver: -1,
		})
		return err == nil
	})
	return c
}

// URLs are the addresses of all servers.
func (c *Cluster) URLs() string {
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.ClientURL())
	}
	return strings.Join(urls, ",")
}

// freeRoutes finds addresses for the servers of a cluster: each must know them
// before any of them listens.
func freeRoutes(t testing.TB, n int) []*url.URL {
	t.Helper()
	routes := make([]*url.URL, n)
	for i := range routes {
		routes[i] = &url.URL{Scheme: "nats-route", Host: testbed.FreeAddr(t)}
	}
	return routes
}

func (c *Cluster) startServer(t testing.TB, number int, routes []*url.URL) {
	t.Helper()
	port, err := strconv.Atoi(routes[number].Port())
	Must(t, err)
	c.options = append(c.options, &server.Options{
		ServerName: fmt.Sprintf("s%d", number), Host: "127.0.0.1", Port: server.RANDOM_PORT,
		JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
		Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}, Routes: routes,
	})
	c.servers = append(c.servers, nil)
	c.start(t, number)
	t.Cleanup(func() { c.servers[number].Shutdown(); c.servers[number].WaitForShutdown() })
}

func (c *Cluster) start(t testing.TB, number int) {
	t.Helper()
	s, err := server.NewServer(c.options[number].Clone())
	Must(t, err)
	s.Start()
	c.servers[number] = s
}

// Restart starts the servers that were killed, with what they have stored.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	for i, s := range c.servers {
		if !s.Running() {
			s.WaitForShutdown()
			c.start(t, i)
		}
	}
	for _, s := range c.servers {
		if !s.ReadyForConnections(sourcetest.Patience) {
			t.Fatal("server does not become ready")
		}
	}
}

// Publish stores the notifications from to to-1.
func (c *Cluster) Publish(t testing.TB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		sourcetest.Eventually(t, "the cluster stores", func() bool {
			_, err := c.JS.PublishMsg(t.Context(), Message("notify", Note(i)), jetstream.WithMsgID(fmt.Sprint(i)))
			return err == nil
		})
	}
}

// Info asks the consumer's leader, as soon as there is one.
func (c *Cluster) Info(t testing.TB) *jetstream.ConsumerInfo {
	t.Helper()
	var info *jetstream.ConsumerInfo
	sourcetest.Eventually(t, "the consumer has a leader", func() bool {
		consumer, err := c.JS.Consumer(t.Context(), Stream, Durable)
		if err != nil {
			return false
		}
		info = consumer.CachedInfo()
		return info.Cluster != nil && info.Cluster.Leader != ""
	})
	return info
}

// Follower is the address of a server that does not lead the consumer.
func (c *Cluster) Follower(t testing.TB) string {
	t.Helper()
	leader := c.Info(t).Cluster.Leader
	for _, s := range c.servers {
		if s.Name() != leader && s.Running() {
			return s.Addr().String()
		}
	}
	t.Fatal("there is no follower")
	return ""
}

// StepDown has the consumer's leader give that up.
func (c *Cluster) StepDown(t testing.TB) {
	t.Helper()
	sourcetest.Eventually(t, "the leader steps down", func() bool {
		_, err := c.Conn.Request("$JS.API.CONSUMER.LEADER.STEPDOWN."+Stream+"."+Durable, nil, sourcetest.Patience/10)
		return err == nil
	})
}

// KillLeader ends the server that leads the consumer.
func (c *Cluster) KillLeader(t testing.TB) {
	t.Helper()
	leader := c.Info(t).Cluster.Leader
	for _, s := range c.servers {
		if s.Name() == leader {
			s.Shutdown()
		}
	}
}
