package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestMatrix makes every mistake on servers inside this process.
func TestMatrix(t *testing.T) { checkMatrix(t, &hermetic{}) }

// hermetic makes worlds in this process.
type hermetic struct{}

func (h *hermetic) makes(m *mistake) bool { return !m.real }

func (h *hermetic) world(t *testing.T, m *mistake) *world {
	t.Helper()
	w := &world{env: baseEnv()}
	h.xmpp(t, w, &m.room)
	if m.kafka != nil {
		h.kafka(t, w, m.kafka)
	} else {
		w.serveNATS(t, configuredNATS(t, m.nats.serverConfig(t, w)), &m.nats)
	}
	return w
}

// baseEnv has short pauses, so that run says soon what it says.
func baseEnv() map[string]string {
	return map[string]string{
		"XMPP_CONNECT_TIMEOUT": "10s", "XMPP_RECONNECT_MAX": "200ms", "SHUTDOWN_GRACE": "1s", "LOG_FORMAT": "json",
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// xmpp makes the XMPP server and the room.
func (h *hermetic) xmpp(t *testing.T, w *world, f *roomFault) {
	t.Helper()
	cfg := sinktest.Config{CertNotAfter: time.Now().Add(100 * 24 * time.Hour), RoomPassword: f.password, RoomMissing: f.missing}
	if f.noTLS {
		cfg.TLS = sinktest.TLSNever
	}
	if f.certFor != "" {
		cfg.CertNames = []string{f.certFor}
	}
	if f.expired {
		cfg.CertNotAfter = time.Now().Add(-time.Hour)
	}
	if f.noLogin {
		cfg.Mechanisms = []string{"DIGEST-MD5"}
	}
	srv, err := sinktest.Start(cfg)
	ok(t, err)
	t.Cleanup(srv.Close)
	spoilRoom(srv, f)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	ok(t, os.WriteFile(ca, srv.CAPEM(), 0o600))
	w.addr, w.direct, w.domain = srv.Addr(), srv.DirectTLSAddr(), srv.Domain()
	w.account(srv.RoomJID(), ca, "notifier-pw")
}

// account sets what the operator knows of the XMPP server.
func (w *world) account(room, ca, password string) {
	maps.Copy(w.env, map[string]string{
		"XMPP_JID": "notifier@" + w.domain, "XMPP_PASSWORD": password, "XMPP_ADDR": w.addr, "XMPP_TLS": "starttls",
		"XMPP_ROOM": room, "XMPP_CA_FILE": ca,
	})
}

func spoilRoom(srv *sinktest.Server, f *roomFault) {
	refuse := func(kind, condition string) {
		srv.RefuseJoins(sinktest.StanzaError{Type: kind, Condition: condition}, -1)
	}
	switch {
	case f.missing:
	case f.moved != "":
		srv.DestroyRoom(f.moved, "")
	case f.members:
		refuse("auth", "registration-required")
	case f.banned:
		srv.Ban("notifier")
	case f.moderated:
		srv.RemoveVoice("notifier")
	case f.taken:
		srv.TakeNick("notifier")
	case f.reserved:
		refuse("cancel", "not-acceptable")
	case f.full:
		refuse("wait", "resource-constraint")
	default:
		srv.PostAs("somebody", "1", "so that there is a history")
	}
}

// serverConfig is the text for the server's configuration.
func (f *natsFault) serverConfig(t *testing.T, w *world) string {
	t.Helper()
	config := f.config
	if f.tls {
		dir := t.TempDir()
		ca, err := testbed.NewCA()
		ok(t, err)
		ok(t, ca.Issue(dir, "127.0.0.1"))
		w.env["NATS_CA"] = filepath.Join(dir, "ca.crt")
		config += fmt.Sprintf("\ntls { cert_file: %q, key_file: %q }\n", filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
	}
	return config
}

func configuredNATS(t *testing.T, config string) (addr string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	ok(t, os.WriteFile(file, fmt.Appendf(nil, "listen: \"127.0.0.1:-1\"\njetstream { store_dir: %q }\n%s", t.TempDir(), config), 0o600))
	options, err := server.ProcessConfigFile(file)
	ok(t, err)
	options.NoLog, options.NoSigs = true, true
	srv, err := server.NewServer(options)
	ok(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv.Addr().String()
}

// serveNATS makes stream, consumer and the place of dead letters as they have to
// be, but for the fault.
func (w *world) serveNATS(t *testing.T, addr string, f *natsFault) {
	t.Helper()
	w.natsAddr = addr
	w.env["SOURCES"], w.env["NATS_URL"], w.env["NATS_STREAM"] = "nats", "nats://"+addr, "NOTIFY"
	options := []natsgo.Option{natsgo.UserInfo("a", "a")}
	if f.tls {
		options = append(options, natsgo.RootCAs(w.env["NATS_CA"]))
	}
	conn, err := natsgo.Connect("nats://"+addr, options...)
	ok(t, err)
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	ok(t, err)
	f.letterStream(t, js)
	if f.noStream {
		return
	}
	stream := jetstream.StreamConfig{Name: "NOTIFY", Subjects: []string{"notify.>"}}
	if f.stream != nil {
		f.stream(&stream)
	}
	_, err = js.CreateStream(t.Context(), stream)
	ok(t, err)
	f.durable(t, js)
}

func (f *natsFault) letterStream(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	if f.noLetters {
		return
	}
	subject := "dlq.>"
	if f.letters != "" {
		subject = f.letters
	}
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "DEAD", Subjects: []string{subject}})
	ok(t, err)
}

func (f *natsFault) durable(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	consumer := jetstream.ConsumerConfig{Durable: "xmpp-notifier", AckPolicy: jetstream.AckExplicitPolicy, MaxDeliver: -1, MaxAckPending: 1000, AckWait: 30 * time.Second}
	var err error
	switch {
	case f.noDurable:
	case f.push:
		consumer.DeliverSubject = "pushed"
		_, err = js.CreatePushConsumer(t.Context(), "NOTIFY", consumer)
	default:
		if f.consumer != nil {
			f.consumer(&consumer)
		}
		_, err = js.CreateConsumer(t.Context(), "NOTIFY", consumer)
	}
	ok(t, err)
}

// kafka makes the cluster, the topics and the account.
func (h *hermetic) kafka(t *testing.T, w *world, f *kafkaFault) {
	t.Helper()
	options := []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"})}
	transport := &kafkago.Transport{}
	if f.tls {
		dir := t.TempDir()
		ca, err := testbed.NewCA()
		ok(t, err)
		ok(t, ca.Issue(dir, "127.0.0.1"))
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "server.crt"), filepath.Join(dir, "server.key"))
		ok(t, err)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(ca.PEM())
		options = append(options, kfake.TLS(&tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}))
		transport.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
		w.env["KAFKA_TLS"] = "true"
	}
	if f.account {
		options = append(options, kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("SCRAM-SHA-256", "admin", "admin"), kfake.User("SCRAM-SHA-256", "worker", "worker-pw", f.allowed()...))
		mechanism, err := scram.Mechanism(scram.SHA256, "admin", "admin")
		ok(t, err)
		transport.SASL = mechanism
	}
	cluster, err := kfake.NewCluster(options...)
	ok(t, err)
	t.Cleanup(cluster.Close)
	t.Cleanup(transport.CloseIdleConnections)
	w.kafkaAddr = cluster.ListenAddrs()[0]
	w.serveKafka(t, &kafkago.Client{Addr: kafkago.TCP(w.kafkaAddr), Transport: transport}, "alerts", f)
}

// allowed is what the account may do.
func (f *kafkaFault) allowed() []kfake.ACL {
	var list []kfake.ACL
	for _, one := range []struct {
		what, name string
		resource   kmsg.ACLResourceType
		operation  kmsg.ACLOperation
	}{
		{"topic", "alerts", kmsg.ACLResourceTypeTopic, kmsg.ACLOperationRead},
		{"letters", "alerts.dlq", kmsg.ACLResourceTypeTopic, kmsg.ACLOperationWrite},
		{"group", "xmpp-notifier", kmsg.ACLResourceTypeGroup, kmsg.ACLOperationRead},
	} {
		operation := one.operation
		if one.what == f.deny { // it may see, and nothing else
			operation = kmsg.ACLOperationDescribe
		}
		if one.what == f.deny && one.what == "group" {
			continue
		}
		list = append(list, kfake.ACL{Resource: one.resource, Name: one.name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true})
	}
	return list
}

// serveKafka makes the topics as they have to be, but for the fault.
func (w *world) serveKafka(t *testing.T, admin *kafkago.Client, topic string, f *kafkaFault) {
	t.Helper()
	w.env["SOURCES"], w.env["KAFKA_BROKERS"], w.env["KAFKA_TOPICS"] = "kafka", w.kafkaAddr, topic
	if f.account {
		w.env["KAFKA_SASL"], w.env["KAFKA_USER"], w.env["KAFKA_PASSWORD"] = "scram-sha-256", "worker", "worker-pw"
	}
	for name, missing := range map[string]bool{topic: f.noTopic, topic + ".dlq": f.noLetters} {
		if missing {
			continue
		}
		created, err := admin.CreateTopics(t.Context(), &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{Topic: name, NumPartitions: 1, ReplicationFactor: 1}}})
		ok(t, err)
		ok(t, created.Errors[name])
	}
}
