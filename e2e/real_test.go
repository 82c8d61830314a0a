//go:build real

package e2e_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// TestReal runs the suite between every real XMPP server and every real
// broker that can be had. What cannot is named at the end; with CI=true, where
// everything must be there, that is a failure.
func TestReal(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	rooms := []roomMaker{
		{"Prosody", bed.xmpp(t, testbed.Prosody, 20), bed.xmpp(t, testbed.Prosody, 500)},
		{"ejabberd", bed.xmpp(t, testbed.Ejabberd, 20), bed.xmpp(t, testbed.Ejabberd, 500)},
	}
	brokers := map[string]func(*testing.T) broker{"JetStream": bed.nats(t), "Kafka": bed.kafka(t)}
	for _, room := range rooms {
		for name, broker := range brokers {
			if room.stock == nil || broker == nil {
				continue
			}
			b := bench{room: room.stock, stoppable: room.stoppable, broker: broker, many: 5000, few: 3000}
			t.Run(room.name+" and "+name, b.run)
		}
		if room.stock != nil && brokers["JetStream"] != nil && brokers["Kafka"] != nil {
			b := bench{room: room.stock, broker: bothBrokers(brokers["JetStream"], brokers["Kafka"]), many: 5000, few: 3000}
			t.Run(room.name+" and both at once", b.runBoth)
		}
	}
	if room := bed.xmpp(t, withArchive, 20); room != nil {
		for name, broker := range brokers {
			if broker != nil {
				b := bench{room: room, broker: broker, few: 3000, archive: true}
				t.Run("Prosody with an archive and "+name+"/three workers share the load, and come and go", b.severalWorkers)
			}
		}
	}
	bed.summary(t)
}

// withArchive starts Prosody with an archive for its rooms. When several workers
// come back at once, the usual history of 20 messages is too short to tell each
// of them what it had posted.
func withArchive(ctx context.Context, o testbed.Options) (*testbed.XMPP, error) {
	o.Archive = true
	return testbed.Prosody(ctx, o)
}

type roomMaker struct {
	name             string
	stock, stoppable func(*testing.T) roomServer
}

// bed holds the real servers of one run.
type bed struct {
	dir     string
	servers int
	missing []string
}

const startLimit = 3 * time.Minute // the first start of Kafka fetches it

// options gives the next server a folder of its own.
func (b *bed) options(history int) testbed.Options {
	b.servers++
	return testbed.Options{Dir: filepath.Join(b.dir, fmt.Sprint(b.servers)), HistorySize: history}
}

// started takes the result of a start: it stops the server at the end of the
// test, or notes that it is missing.
func (b *bed) started(t *testing.T, server interface{ Stop(context.Context) error }, err error) bool {
	t.Helper()
	if missing, ok := errors.AsType[*testbed.Missing](err); ok {
		b.missing = append(b.missing, fmt.Sprintf("real %s: not run, because %s", missing.Server, missing.Why))
		return false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return true
}

func (b *bed) xmpp(t *testing.T, start func(context.Context, testbed.Options) (*testbed.XMPP, error), history int) func(*testing.T) roomServer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	srv, err := start(ctx, b.options(history))
	if !b.started(t, srv, err) {
		return nil
	}
	return func(*testing.T) roomServer { return &realXMPP{srv} }
}

func (b *bed) nats(t *testing.T) func(*testing.T) broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	srv, err := testbed.NATS(ctx, b.options(0))
	if !b.started(t, srv, err) {
		return nil
	}
	return func(t *testing.T) broker { t.Helper(); return newNATS(t, srv.URL) }
}

func (b *bed) kafka(t *testing.T) func(*testing.T) broker {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	srv, err := testbed.Kafka(ctx, b.options(0))
	if !b.started(t, srv, err) {
		return nil
	}
	return func(t *testing.T) broker { t.Helper(); return newKafka(t, srv.Addr) }
}

// summary names what was not run.
func (b *bed) summary(t *testing.T) {
	t.Helper()
	if len(b.missing) == 0 {
		fmt.Println("real servers: all were run")
		return
	}
	text := strings.Join(b.missing, "\n")
	fmt.Println(text)
	if os.Getenv("CI") == "true" {
		t.Error("with CI=true every real server must run:\n" + text)
	}
}

// realXMPP is a real server; every test has a room of its own there.
type realXMPP struct{ *testbed.XMPP }

func (s *realXMPP) room(t *testing.T) string { return resource(t) + "@" + s.MUC }

func (s *realXMPP) env(room string) map[string]string {
	return xmppEnv(s.Addr, s.Domain, room, s.CAFile)
}

func (s *realXMPP) observer(room string) observer.Options {
	pool := x509.NewCertPool()
	if pem, err := os.ReadFile(s.CAFile); err == nil {
		pool.AppendCertsFromPEM(pem)
	}
	return observerOptions(s.Addr, s.Domain, room, pool)
}

func (s *realXMPP) stop(ctx context.Context, kill bool) error {
	if kill {
		return s.KillDrained(ctx)
	}
	return s.Stop(ctx)
}

func (s *realXMPP) start(ctx context.Context) error { return s.Start(ctx) }
