package client_test

import (
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// The first of the brokers takes connections and says nothing: the others know the
// leader as well.
func TestSilentBrokerIsPassedOver(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "alerts"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	c, err := client.New(client.Config{
		Brokers: append([]string{silent.Addr().String()}, cluster.ListenAddrs()...), Topics: []string{"alerts"},
		GroupID: "g", DLQSuffix: ".dlq", Start: client.StartEarliest, SessionTimeout: time.Minute, SASL: "none",
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	conn, err := c.DialLeader(t.Context(), c.Network, "alerts", 0)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}
