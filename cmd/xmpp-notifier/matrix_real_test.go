//go:build real

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

// TestRealMatrix makes the mistakes on the real servers that they name.
func TestRealMatrix(t *testing.T) {
	ca, err := testbed.NewCA()
	ok(t, err)
	t.Run("Prosody", func(t *testing.T) {
		r := &realBed{ca: ca, start: testbed.Prosody, servers: []string{onProsody, onNATS, onKafka}}
		r.xmpp = r.server(t)
		r.kafka = begun(t, func(ctx context.Context) (*testbed.KafkaBroker, error) {
			return testbed.Kafka(ctx, testbed.Options{Dir: t.TempDir(), CA: ca, Secure: true})
		})
		r.broker = r.goodNATS(t)
		checkMatrix(t, r)
	})
	t.Run("ejabberd", func(t *testing.T) {
		r := &realBed{ca: ca, start: testbed.Ejabberd, servers: []string{onEjabberd}}
		r.xmpp = r.server(t)
		r.broker = r.goodNATS(t)
		checkMatrix(t, r)
	})
}

// realBed makes worlds of real servers, most of which all mistakes share.
type realBed struct {
	ca      *testbed.CA
	start   func(context.Context, testbed.Options) (*testbed.XMPP, error)
	servers []string
	xmpp    *testbed.XMPP
	kafka   *testbed.KafkaBroker
	broker  *world // NATS as it has to be
	rooms   int
}

func (r *realBed) makes(m *mistake) bool {
	return slices.ContainsFunc(m.servers, func(server string) bool { return slices.Contains(r.servers, server) })
}

// killer is a server of the testbed.
type killer interface{ Kill() error }

// begun takes the result of a start. What a machine cannot run is named.
func begun[S killer](t *testing.T, start func(context.Context) (S, error)) S {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // the first start of Kafka fetches it
	defer cancel()
	server, err := start(ctx)
	if missing, is := errors.AsType[*testbed.Missing](err); is && os.Getenv("CI") != "true" {
		t.Skip("not run, because ", missing)
	}
	ok(t, err)
	t.Cleanup(func() { ok(t, server.Kill()) })
	return server
}

func (r *realBed) server(t *testing.T) *testbed.XMPP {
	t.Helper()
	return begun(t, func(ctx context.Context) (*testbed.XMPP, error) {
		return r.start(ctx, testbed.Options{Dir: t.TempDir(), CA: r.ca})
	})
}

func realNATS(t *testing.T, config string) (addr string) {
	t.Helper()
	return begun(t, func(ctx context.Context) (*testbed.NATSServer, error) {
		return testbed.NATS(ctx, testbed.Options{Dir: t.TempDir()}, config)
	}).Addr
}

func (r *realBed) goodNATS(t *testing.T) *world {
	t.Helper()
	w := &world{env: map[string]string{}}
	w.serveNATS(t, realNATS(t, ""), &natsFault{})
	return w
}

func (r *realBed) world(t *testing.T, m *mistake) *world {
	t.Helper()
	w := &world{env: baseEnv(), natsAddr: r.broker.natsAddr}
	server := r.xmpp
	if m.room.noTLS || m.room.certFor != "" || m.room.expired || m.room.noLogin {
		server = r.spoilt(t, &m.room)
	}
	w.addr, w.direct, w.domain = server.Addr, server.DirectTLSAddr, server.Domain
	w.account(r.room(t, server, &m.room), server.CAFile, testbed.Password("notifier"))
	switch {
	case m.kafka != nil:
		r.topics(t, w, m.kafka)
	case m.class == check.Broker || m.class == check.DeadLetters:
		w.serveNATS(t, realNATS(t, m.nats.serverConfig(t, w)), &m.nats)
	default:
		maps.Copy(w.env, r.broker.env)
	}
	return w
}

// spoilt is a Prosody of its own with the fault in its configuration or
// certificate.
func (r *realBed) spoilt(t *testing.T, f *roomFault) *testbed.XMPP {
	t.Helper()
	server := r.server(t)
	ok(t, server.Stop(t.Context()))
	certs := filepath.Dir(server.CAFile)
	hosts := []string{server.Domain, server.MUC}
	switch {
	case f.certFor != "":
		ok(t, r.ca.Issue(certs, f.certFor))
	case f.expired:
		ok(t, r.ca.IssueUntil(time.Now().Add(-time.Hour), certs, hosts...))
	}
	text, err := os.ReadFile(server.ConfigFile)
	ok(t, err)
	config := string(text)
	if f.noTLS {
		config = strings.Replace(config, `"saslauth"; "tls";`, `"saslauth";`, 1)
	}
	if f.noLogin {
		config = "disable_sasl_mechanisms = { \"PLAIN\", \"SCRAM-SHA-1\", \"SCRAM-SHA-1-PLUS\", \"SCRAM-SHA-256\", \"SCRAM-SHA-256-PLUS\" }\n" + config
	}
	ok(t, os.WriteFile(server.ConfigFile, []byte(config), 0o600))
	ok(t, server.Start(t.Context()))
	return server
}

// room makes a room as it has to be, but for the fault.
func (r *realBed) room(t *testing.T, server *testbed.XMPP, f *roomFault) string {
	t.Helper()
	r.rooms++
	name := fmt.Sprintf("room%d", r.rooms)
	jid := name + "@" + server.MUC
	if f.missing || server != r.xmpp {
		return jid
	}
	ctx := t.Context()
	admin := r.login(t, "admin", name)
	ok(t, admin.Create(ctx, owner.Room{Password: f.password, MembersOnly: f.members, Moderated: f.moderated}))
	ok(t, admin.Say("1", "so that there is a history"))
	switch {
	case f.moved != "":
		ok(t, admin.Destroy(ctx, f.moved))
	case f.banned:
		ok(t, admin.Ban(ctx, "notifier@"+server.Domain))
	case f.taken:
		_, err := r.login(t, "other", name).Enter(ctx, "notifier", "")
		ok(t, err)
	}
	return jid
}

func (r *realBed) login(t *testing.T, account, room string) *owner.Owner {
	t.Helper()
	o, err := owner.Login(t.Context(), r.xmpp, account, room)
	ok(t, err)
	t.Cleanup(o.Close)
	return o
}

// topics makes the topics as they have to be, but for the fault, under names of
// their own.
func (r *realBed) topics(t *testing.T, w *world, f *kafkaFault) {
	t.Helper()
	w.kafkaAddr = r.kafka.Addr
	topic := "alerts-" + strings.ToLower(strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' {
			return c
		}
		return '-'
	}, filepath.Base(t.Name())))
	transport := &kafkago.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	admin := &kafkago.Client{Addr: kafkago.TCP(r.kafka.Addr), Transport: transport}
	switch secure := r.kafka.Secure; {
	case f.account:
		w.kafkaAddr = secure.SASL
	case f.tls:
		w.kafkaAddr = secure.TLS
		w.env["KAFKA_TLS"] = "true"
	}
	w.serveKafka(t, admin, topic, f)
	group := topic
	if f.deny == "group" {
		group = "xmpp-notifier"
	}
	w.env["KAFKA_GROUP_ID"] = group
	f.forbid(t, admin, topic, group)
}

// forbid takes from the account what it may not do. It may see what it may not
// use.
func (f *kafkaFault) forbid(t *testing.T, admin *kafkago.Client, topic, group string) {
	t.Helper()
	kind, name, operation := kafkago.ResourceTypeTopic, topic, kafkago.ACLOperationTypeRead
	switch f.deny {
	case "":
		return
	case "group":
		kind, name = kafkago.ResourceTypeGroup, group
	case "letters":
		name, operation = topic+".dlq", kafkago.ACLOperationTypeWrite
	}
	entry := func(o kafkago.ACLOperationType, p kafkago.ACLPermissionType) kafkago.ACLEntry {
		return kafkago.ACLEntry{
			ResourceType: kind, ResourceName: name, ResourcePatternType: kafkago.PatternTypeLiteral,
			Principal: "User:" + testbed.KafkaUser, Host: "*", Operation: o, PermissionType: p,
		}
	}
	answer, err := admin.CreateACLs(t.Context(), &kafkago.CreateACLsRequest{ACLs: []kafkago.ACLEntry{
		entry(operation, kafkago.ACLPermissionTypeDeny), entry(kafkago.ACLOperationTypeDescribe, kafkago.ACLPermissionTypeAllow),
	}})
	ok(t, err)
	ok(t, errors.Join(answer.Errors...))
}
