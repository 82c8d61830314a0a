//go:build real

package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestReal holds the source against a real Apache Kafka: the conformance suite,
// and every way to guard a listener.
func TestReal(t *testing.T) {
	broker := realKafka(t)
	t.Run("conformance", func(t *testing.T) {
		sourcetest.Run(t, func(t *testing.T) sourcetest.Broker {
			c := realCluster(t, broker.Addr)
			c.config.SessionTimeout = 6 * time.Second // the least that Kafka takes
			if err := c.createTopic(t.Context(), c.topic); err != nil {
				t.Fatal(err)
			}
			return c
		})
	})
	for name, check := range map[string]func(*testing.T, *cluster){"faithful dead letters": checkFaithful, "largest message": checkLargest, "batch that is too large": checkTooLarge, "group of another application": checkForeignGroup, "consumer of another application comes": checkRefusesOthers, "offsets expired": checkExpired, "topic created again": checkRecreated, "topic created again while nobody runs": checkRecreatedAway, "settings with which messages vanish": checkVanishing} {
		t.Run(name, func(t *testing.T) {
			c := realCluster(t, broker.Addr)
			if err := c.createTopic(t.Context(), c.topic); err != nil {
				t.Fatal(err)
			}
			check(t, c)
		})
	}
	t.Run("init", func(t *testing.T) { checkInit(t, realCluster(t, broker.Addr)) })
	t.Run("sessions end", func(t *testing.T) { checkSessions(t, broker) })
	tokens := filepath.Join(filepath.Dir(broker.Secure.CAFile), "token")
	if err := os.WriteFile(tokens, []byte(unsignedToken()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, g := range append(guards(), guard{"OAUTHBEARER", false, false, "oauthbearer"}, guard{"OAUTHBEARER over TLS", true, false, "oauthbearer"}) {
		t.Run(g.name, func(t *testing.T) {
			g.check(t, realCluster(t, g.listener(broker.Secure)), filepath.Dir(broker.Secure.CAFile))
		})
	}
}

func (g guard) listener(s *testbed.KafkaSecurity) string {
	switch {
	case g.mutual:
		return s.MutualTLS
	case g.mechanism == "none":
		return s.TLS
	case g.tls:
		return s.SASLTLS
	}
	return s.SASL
}

func realCluster(t testing.TB, addr string) *cluster {
	t.Helper()
	c := clusterAt(t, fmt.Sprintf("alerts-%d", time.Now().UnixNano()), addr)
	if testing.Short() {
		c.rounds = 50
	}
	return c
}

func realKafka(t testing.TB) *testbed.KafkaBroker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // the first start fetches it
	defer cancel()
	broker, err := testbed.Kafka(ctx, testbed.Options{Dir: t.TempDir(), Secure: true})
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip(strings.ToUpper(missing.Error()))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return broker
}
