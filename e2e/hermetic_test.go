package e2e_test

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// TestHermetic runs the suite on servers inside this process.
func TestHermetic(t *testing.T) {
	for name, broker := range map[string]func(*testing.T) broker{"JetStream": embeddedNATS, "Kafka": fakeKafka} {
		t.Run(name, bench{
			room:      func(t *testing.T) roomServer { return inProcessRoom(t, 20) },
			stoppable: func(t *testing.T) roomServer { return inProcessRoom(t, 500) },
			broker:    broker, many: 2000, few: 2000,
		}.run)
	}
	t.Run("both at once", bench{
		room:   func(t *testing.T) roomServer { return inProcessRoom(t, 20) },
		broker: bothBrokers(embeddedNATS, fakeKafka), many: 2000, few: 2000,
	}.runBoth)
}

type inProcess struct {
	*sinktest.Server
	ca string
}

func inProcessRoom(t *testing.T, history int) roomServer {
	t.Helper()
	srv, err := sinktest.Start(sinktest.Config{KeepHistory: true, HistorySize: history})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	// A little of the time that a real room takes, so that there is a middle.
	srv.SlowRoom(200 * time.Microsecond)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &inProcess{srv, ca}
}

func (s *inProcess) room(*testing.T) string { return s.RoomJID() }

func (s *inProcess) env(room string) map[string]string {
	return xmppEnv(s.Addr(), s.Domain(), room, s.ca)
}

func (s *inProcess) observer(room string) observer.Options {
	return observerOptions(s.Addr(), s.Domain(), room, s.CertPool())
}

func (s *inProcess) stop(_ context.Context, kill bool) error {
	if kill {
		s.Stop()
	} else {
		s.Shutdown()
	}
	return nil
}

func (s *inProcess) start(context.Context) error { return s.Start() }

func xmppEnv(addr, domain, room, ca string) map[string]string {
	return map[string]string{
		"XMPP_JID": "notifier@" + domain, "XMPP_PASSWORD": "notifier-pw", "XMPP_ADDR": addr,
		"XMPP_ROOM": room, "XMPP_CA_FILE": ca, "XMPP_RECONNECT_MAX": "1s",
	}
}

func observerOptions(addr, domain, room string, ca *x509.CertPool) observer.Options {
	return observer.Options{Addr: addr, Domain: domain, User: "observer", Password: "observer-pw", CA: ca, Room: room, Nick: "observer"}
}

func embeddedNATS(t *testing.T) broker {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(patience) {
		t.Fatal("the embedded NATS server is not ready")
	}
	return newNATS(t, srv.ClientURL())
}

func fakeKafka(t *testing.T) broker {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(500*time.Millisecond),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return newKafka(t, cluster.ListenAddrs()[0])
}
