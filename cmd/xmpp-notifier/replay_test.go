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
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	notify "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// The dead letters of a broker are listed, shown, and published again, as
// often as one likes, with the identity that they had.
func TestReplay(t *testing.T) {
	t.Run("nats", func(t *testing.T) { testReplay(t, "nats", natsWithTopic(t, embeddedNATS(t))) })
	t.Run("kafka", func(t *testing.T) { testReplay(t, "kafka", kafkaWithTopic(t, fakeKafka(t))) })
}

// testReplay gives up the three messages of a source.
func testReplay(t *testing.T, name string, source sources.Source) {
	t.Helper()
	signer := sources.NewSigner("secret")
	identities := map[string]bool{}
	for i, d := range take(t, source, 3) {
		reason := sources.Reason{Code: sources.ReasonRejected, Err: fmt.Errorf("the room said no \x1b[31m%d", i)}
		if i == 0 {
			reason.Code = sources.ReasonDecode
		}
		d.Trust(signer)
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
	if out := mustReplay(t, "send"); !strings.Contains(out, "0 published again") {
		t.Errorf("the second send: %s", out)
	}
	again := take(t, source, 3)
	for _, d := range again {
		d.Trust(signer)
		if !identities[d.Identity()] || d.Get("x-dlq-reason") != "" {
			t.Errorf("%s has become %s, with headers %v", d.Place(), d.Identity(), d.Header)
		}
	}
	if left := mustReplay(t); !strings.Contains(left, "0 dead letters") {
		t.Errorf("what was sent is still listed:\n%s", left)
	}
	for _, d := range again { // rejected again, each letter replaces its predecessor
		if err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err != nil {
			t.Error(err)
		}
	}
	if left := mustReplay(t); !strings.Contains(left, "3 dead letters") {
		t.Errorf("after the second rejection:\n%s", left)
	}
	if left := mustReplay(t, "list", "--all"); !strings.Contains(left, "6 dead letters") {
		t.Errorf("a letter was deleted without being told:\n%s", left)
	}
	code, _, errs := invoke(t, "", "replay", "send", "--delete", "--limit", "1")
	switch {
	case name == "kafka" && (code != exitUsage || !strings.Contains(errs, "cannot delete a single message")):
		t.Errorf("-delete: code %d, %s", code, errs)
	case name == "nats" && (code != exitOK || !strings.Contains(mustReplay(t), "2 dead letters")):
		t.Errorf("-delete: code %d, %s", code, errs)
	}
}

// Dead letters of NATS without JetStream go to a worker that listens: without
// one, or if the worker refuses again, nothing is deleted.
func TestReplayWithoutJetStream(t *testing.T) {
	url := embeddedNATS(t)
	look(t, url)
	t.Setenv("SOURCES", "nats-core")
	t.Setenv("NATS_URL", url)
	t.Setenv("NATS_CORE_SUBJECTS", "alarms.>")
	t.Setenv("NATS_REPLY", "true")
	source := coreSource(t)
	conn, err := natsgo.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Publish("alarms.disk", []byte(`{"message":"full"}`)); err != nil {
		t.Fatal(err)
	}
	reason := sources.Reason{Code: sources.ReasonRejected}
	signer := sources.NewSigner("secret")
	d := take(t, source, 1)[0]
	d.Trust(signer)
	if err := d.Reject(t.Context(), reason); err != nil {
		t.Fatal(err)
	}
	if err := source.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := invoke(t, "", "replay", "send", "-delete"); code != exitFailed || !strings.Contains(errs, "no worker listens") {
		t.Errorf("without a worker: code %d, %s", code, errs)
	}
	source = coreSource(t)
	answering := func(settle func(*sources.Delivery) error) <-chan string {
		id := make(chan string, 1)
		go func() {
			d := take(t, source, 1)[0]
			if err := settle(d); err != nil {
				t.Error(err)
			}
			id <- d.Identity()
		}()
		return id
	}
	first := answering(func(d *sources.Delivery) error { d.Trust(signer); return d.Reject(t.Context(), reason) })
	if code, _, errs := invoke(t, "", "replay", "send", "-delete"); code != exitFailed || !strings.Contains(errs, "rejected") {
		t.Errorf("with a worker that refuses: code %d, %s", code, errs)
	}
	second := answering(func(d *sources.Delivery) error { d.Trust(signer); return d.Ack(func() {}) })
	if out := mustReplay(t, "send", "-delete", "-limit", "1"); !strings.Contains(out, "1 published again") {
		t.Errorf("send: %s", out)
	}
	if a, b := <-first, <-second; a != b {
		t.Errorf("the same letter is %s once, and %s then", a, b)
	}
	if left := mustReplay(t); !strings.Contains(left, "0 dead letters") { // the one that was refused again has replaced it, and was sent
		t.Errorf("left: %s", left)
	}
}

func coreSource(t *testing.T) sources.Source {
	t.Helper()
	s := loaded(t)
	source, err := core.Open(s.natsCommon, s.core, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return closeAtEnd(t, source)
}

// Who may publish dead letters cannot make the operator publish to whatever the
// operator may, nor write lines of the list.
func TestReplayDistrustsLetters(t *testing.T) {
	url := embeddedNATS(t)
	source := natsWithTopic(t, url)
	js := look(t, url)
	for _, subject := range []string{"$JS.API.STREAM.DELETE.alerts", "elsewhere.disk"} {
		letter := natsgo.NewMsg("dlq.alerts." + subject)
		letter.Header.Set("x-dlq-error", "one\ntwo")
		if _, err := js.PublishMsg(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
		list := mustReplay(t)
		if lines := strings.Count(list, "\n"); lines != 2 {
			t.Errorf("one letter makes %d lines:\n%s", lines, list)
		}
		if code, _, errs := invoke(t, "", "replay", "send", "-delete"); code != exitFailed || !strings.Contains(errs, "the source reads only alerts.>") {
			t.Errorf("%s: code %d, %s", subject, code, errs)
		}
		dead, err := js.Stream(t.Context(), "dead")
		if err != nil {
			t.Fatal(err)
		}
		if err := dead.Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	take(t, source, 3) // the stream is there
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
		batch, err := sourcetest.Receive(ctx, s, n-len(all))
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

func embeddedNATS(t *testing.T) (url string) {
	t.Helper()
	srv, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	srv.ReadyForConnections(30 * time.Second)
	return srv.ClientURL()
}

// natsWithTopic publishes three messages to a broker.
func natsWithTopic(t *testing.T, url string) sources.Source {
	t.Helper()
	js := look(t, url)
	for i := range 3 {
		if _, err := js.Publish(t.Context(), "alerts.disk", fmt.Appendf(nil, `{"message":"%d"}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("SOURCES", "nats")
	t.Setenv("NATS_URL", url)
	t.Setenv("NATS_STREAM", "alerts")
	t.Setenv("NATS_CREATE", "true")
	return jetstreamSource(t)
}

func jetstreamSource(t *testing.T) sources.Source {
	t.Helper()
	s := loaded(t)
	source, err := notify.Open(s.natsCommon, s.nats, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return closeAtEnd(t, source)
}

// look creates the streams.
func look(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	js := jetstreamOf(t, url)
	for name, subject := range map[string]string{"alerts": "alerts.>", "dead": "dlq.>"} {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}}); err != nil {
			t.Fatal(err)
		}
	}
	return js
}

// jetstreamOf looks into the broker behind our back.
func jetstreamOf(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	conn, err := natsgo.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func fakeKafka(t *testing.T) (addr string) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// kafkaWithTopic publishes three messages to a broker.
func kafkaWithTopic(t *testing.T, addr string) sources.Source {
	t.Helper()
	admin := &kafkago.Client{Addr: kafkago.TCP(addr)}
	created, err := admin.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{
		{Topic: "alerts", NumPartitions: 2, ReplicationFactor: 1}, {Topic: "alerts.dlq", NumPartitions: 1, ReplicationFactor: 1},
	}})
	if err != nil || created.Errors["alerts"] != nil || created.Errors["alerts.dlq"] != nil {
		t.Fatal(err, created)
	}
	writer := &kafkago.Writer{Addr: admin.Addr, Topic: "alerts", RequiredAcks: kafkago.RequireAll, Balancer: kafkago.Murmur2Balancer{}, BatchTimeout: time.Millisecond}
	for i := range 3 {
		if err := writer.WriteMessages(t.Context(), kafkago.Message{Key: []byte("k"), Value: fmt.Appendf(nil, `{"message":"%d"}`, i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOURCES", "kafka")
	t.Setenv("KAFKA_BROKERS", addr)
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
