package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

// The dead letters of a broker are listed, shown, and published again, as
// often as one likes, with the identity that they had.
func TestReplay(t *testing.T) {
	for name, open := range map[string]func(*testing.T) sources.Source{"nats": natsWithTopic, "kafka": kafkaWithTopic} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SOURCES", name)
			source := open(t) // with three messages
			identities := map[string]bool{}
			for i, d := range take(t, source, 3) {
				reason := sources.Reason{Code: sources.ReasonRejected, Err: fmt.Errorf("the room said no \x1b[31m%d", i)}
				if i == 0 {
					reason.Code = sources.ReasonDecode
				}
				identities[d.Identity()] = true
				if err := d.Reject(t.Context(), reason); err != nil {
					t.Fatal(err)
				}
			}
			list := mustReplay(t, "list")
			if !strings.Contains(list, "3 dead letters") || strings.Contains(list, "\x1b") || !strings.Contains(list, "the room said no") {
				t.Errorf("list:\n%s", list)
			}
			first, _, _ := strings.Cut(list, " ")
			if show := mustReplay(t, "show", "-id", first); !strings.Contains(show, `{"message":"0"}`) || !strings.Contains(show, "1 dead letters") {
				t.Errorf("show:\n%s", show)
			}
			for filter, want := range map[string]string{
				"-reason=decode": "1 would", "-reason=retries": "0 would", "-since=1h": "3 would", "-until=1h": "0 would", "-limit=2": "2 would",
				"-since=2999-01-01T00:00:00Z": "0 would",
			} {
				if out := mustReplay(t, "send", "-dry-run", filter); !strings.Contains(out, want) {
					t.Errorf("%s: %s", filter, out)
				}
			}
			if out := mustReplay(t, "send"); !strings.Contains(out, "3 published again") {
				t.Errorf("send: %s", out)
			}
			for _, d := range take(t, source, 3) {
				if !identities[d.Identity()] || d.Get("x-dlq-reason") != "" {
					t.Errorf("%s has become %s, with headers %v", d.Place(), d.Identity(), d.Header)
				}
				if err := d.Ack(func() {}); err != nil {
					t.Error(err)
				}
			}
			if left := mustReplay(t); !strings.Contains(left, "3 dead letters") {
				t.Errorf("a letter was deleted without being told:\n%s", left)
			}
			code, _, errs := invoke(t, "", "replay", "send", "-delete", "-limit", "1")
			switch {
			case name == "kafka" && (code != exitUsage || !strings.Contains(errs, "cannot delete a single message")):
				t.Errorf("-delete: code %d, %s", code, errs)
			case name == "nats" && (code != exitOK || !strings.Contains(mustReplay(t), "2 dead letters")):
				t.Errorf("-delete: code %d, %s", code, errs)
			}
		})
	}
}

func TestReplayMistakes(t *testing.T) {
	t.Setenv("SOURCES", "kafka")
	t.Setenv("KAFKA_BROKERS", "127.0.0.1:1")
	t.Setenv("KAFKA_TOPICS", "alerts")
	for _, args := range [][]string{
		{"sing"}, {"list", "more"}, {"-dry-run"}, {"list", "-delete"}, {"send", "-limit", "-1"}, {"-since", "yesterday"}, {"-source", "nats"},
	} {
		if code, _, errs := invoke(t, "", append([]string{"replay"}, args...)...); code != exitUsage {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
	}
}

func mustReplay(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := invoke(t, "", append([]string{"replay"}, args...)...)
	if code != exitOK {
		t.Fatalf("replay %v: code %d, %s", args, code, errs)
	}
	return out
}

// take receives n deliveries.
func take(t *testing.T, s sources.Source, n int) []*sources.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var all []*sources.Delivery
	for len(all) < n {
		batch, err := s.Receive(ctx, n-len(all))
		if all = append(all, batch...); ctx.Err() != nil {
			t.Fatalf("received %d of %d: %v", len(all), n, err)
		}
	}
	return all
}

func closeAtEnd(t *testing.T, s sources.Source) sources.Source {
	t.Helper()
	t.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// natsWithTopic starts a broker, and publishes three messages to it.
func natsWithTopic(t *testing.T) sources.Source {
	t.Helper()
	srv, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	srv.ReadyForConnections(30 * time.Second)
	conn, err := natsgo.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	for name, subject := range map[string]string{"alerts": "alerts.>", "dead": "dlq.>"} {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if _, err := js.Publish(t.Context(), "alerts.disk", fmt.Appendf(nil, `{"message":"%d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("NATS_URL", srv.ClientURL())
	t.Setenv("NATS_STREAM", "alerts")
	t.Setenv("NATS_CREATE", "true")
	s := loaded(t)
	source, err := nats.Open(s.natsCommon, s.nats, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return closeAtEnd(t, source)
}

// kafkaWithTopic starts a broker, and publishes three messages to it.
func kafkaWithTopic(t *testing.T) sources.Source {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second),
		kfake.SeedTopics(2, "alerts"), kfake.SeedTopics(1, "alerts.dlq"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	writer := &kafkago.Writer{Addr: kafkago.TCP(cluster.ListenAddrs()...), Topic: "alerts", RequiredAcks: kafkago.RequireAll, Balancer: kafkago.Murmur2Balancer{}, BatchTimeout: time.Millisecond}
	for i := range 3 {
		if err := writer.WriteMessages(t.Context(), kafkago.Message{Key: []byte("k"), Value: fmt.Appendf(nil, `{"message":"%d"}`, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KAFKA_BROKERS", strings.Join(cluster.ListenAddrs(), ","))
	t.Setenv("KAFKA_TOPICS", "alerts")
	source, err := kafka.Open(loaded(t).kafka, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return closeAtEnd(t, source)
}

func loaded(t *testing.T) *settings {
	t.Helper()
	var s settings
	if err := s.loadSources(); err != nil {
		t.Fatal(err)
	}
	return &s
}
