package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// mark begins and ends every secret of these tests.
const mark = "hunter22"

// TestNoOutputHasASecret gives every secret every kind of character that
// libraries stumble over, and looks for it in all that any command or endpoint says.
func TestNoOutputHasASecret(t *testing.T) {
	for name, character := range map[string]string{
		"tab": "\t", "line break": "\n", "escape": "\x1b", "unassigned": "\u0378", "private": "\ue000", "not UTF-8": "\xff",
		"no-break space": "\u00a0", "soft hyphen": "\u00ad", "joiner": "\u200d",
		"percent": "%zz", "tag": "\U000e0041", "emoji": "\U0001F600", "right to left": "\u05d0", "quote": "\"'<&>",
	} {
		t.Run(name, func(t *testing.T) {
			secret := mark + character + mark
			for _, login := range []string{"fails", "works"} {
				brokersAndRoom(t, secret, login == "works")
				for _, command := range []string{
					"config", "check", "init", "setup", "send --timeout=20s --subject=s", "replay", "render -", "help settings", "health",
				} {
					_, out, errs := invoke(t, `{"subject":"s"}`, strings.Split(command, " ")...)
					mustNotTell(t, command+", login "+login, out+errs)
				}
				mustNotTell(t, "ingest, login "+login, ingestOnce(t, secret))
				said := runUntilItKnows(t)
				mustNotTell(t, "run, login "+login, said)
				refused := strings.Contains(said, "XMPP_PASSWORD: character 9 is") || strings.Contains(said, "XMPP_PASSWORD: letters of both directions") || strings.Contains(said, "KAFKA_PASSWORD has a character that SASLprep")
				if !refused && !strings.Contains(said, "nats: ") {
					t.Errorf("the worker neither refused the settings nor said why it is not ready:\n%s", said)
				}
			}
		})
	}
}

// People put secrets into addresses as well, where there is no place for them.
func TestNoOutputHasTheUserOfAnAddress(t *testing.T) {
	for name, address := range map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT":        "https://" + mark + ":" + mark + "@collector:4318",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://collector:4318/v1/traces?api-key=" + mark,
		"NATS_URL":                           "nats://127.0.0.1:1/?token=" + mark + ", nats://" + mark + "@127.0.0.1:1",
		"KAFKA_BROKERS":                      "worker:" + mark + "@127.0.0.1:1",
		"XMPP_ADDR":                          "worker:" + mark + "@127.0.0.1:1",
	} {
		t.Run(name, func(t *testing.T) {
			brokersAndRoom(t, "another", true)
			t.Setenv(name, address)
			for _, command := range []string{"config", "check", "init", "setup", "replay", "send --subject=s"} {
				_, out, errs := invoke(t, "", strings.Split(command, " ")...)
				mustNotTell(t, command, out+errs)
			}
			mustNotTell(t, "run", runUntilItKnows(t))
		})
	}
}

// mustNotTell looks for a part of the secret.
func mustNotTell(t *testing.T, where, output string) {
	t.Helper()
	if i := strings.Index(output, mark); i >= 0 {
		t.Errorf("%s tells the secret: …%q…", where, output[max(0, i-200):min(len(output), i+100)])
	}
}

// brokersAndRoom starts what the settings of the environment need: a room, NATS
// and Kafka, each with a login, and puts the secret wherever there is a place for
// one. If login is set, it is right for the XMPP server.
func brokersAndRoom(t *testing.T, secret string, login bool) {
	t.Helper()
	users := map[string]string{"admin": "another", "notifier": "another"}
	if login {
		users = map[string]string{"admin": secret, "notifier": secret}
	}
	room, err := sinktest.Start(sinktest.Config{Users: users, Admins: []string{"admin"}, RoomPassword: "another"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(room.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, room.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"SOURCES": "nats, kafka", "LOG_LEVEL": "debug", "ADMIN_ADDR": testbed.FreeAddr(t), "SHUTDOWN_GRACE": "100ms",
		"INGEST_TO": "nats", "INGEST_ADDR": testbed.FreeAddr(t), "INGEST_TIMEOUT": "50ms",
		"XMPP_JID": "notifier@" + room.Domain(), "XMPP_ADDR": room.Addr(), "XMPP_ROOM": room.RoomJID(), "XMPP_CA_FILE": ca,
		"XMPP_ADMIN_JID": "admin@" + room.Domain(),
		"NATS_URL":       natsWithLogin(t), "NATS_STREAM": "NOTIFY", "NATS_USER": "worker",
		"KAFKA_BROKERS": kafkaWithLogin(t), "KAFKA_TOPICS": "alerts", "KAFKA_SASL": "scram-sha-256", "KAFKA_USER": "worker",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
	}
	var s settings
	for _, g := range s.groups(true) {
		for _, setting := range config.Describe(g) {
			if setting.Type == "secret" {
				env[setting.Name] = secret
			}
		}
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"} {
		env[name] = "Authorization=" + url.PathEscape(secret)
	}
	if login {
		env["SOURCES"] = "nats" // Kafka's password may be refused when it is opened: here the room's comes next
		delete(env, "NATS_USER")
		delete(env, "NATS_PASSWORD")
	} else {
		delete(env, "NATS_TOKEN")
	}
	for _, name := range []string{"NATS_USER", "NATS_PASSWORD", "NATS_TOKEN"} {
		t.Setenv(name, "")
	}
	for name, value := range env {
		t.Setenv(name, value)
	}
}

func natsWithLogin(t *testing.T) string {
	t.Helper()
	srv, err := natsserver.NewServer(&natsserver.Options{
		Host: "127.0.0.1", Port: -1, NoLog: true, NoSigs: true, Username: "worker", Password: "another",
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv.ClientURL()
}

func kafkaWithLogin(t *testing.T) string {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "worker", "another"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

// runUntilItKnows runs the worker until the log says what became of the broker and
// of the room, or until it ends by itself, and returns all that it has said.
func runUntilItKnows(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var log sharedLog
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		execute(ctx, []string{"run"}, strings.NewReader(""), &log, &log)
	}()
	for said := ""; !strings.Contains(said, "cannot connect to the broker") || !strings.Contains(said, "in the room") && !strings.Contains(said, "reconnecting"); {
		select {
		case <-ended:
			return log.String()
		case <-time.After(5 * time.Millisecond):
			said = log.String()
		}
	}
	answers := endpoint(ctx, "/readyz") + endpoint(ctx, "/status") + endpoint(ctx, "/metrics")
	stop()
	<-ended
	return answers + log.String()
}

// sharedLog is a log that can be read while it is written.
type sharedLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *sharedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *sharedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// ingestOnce takes one webhook, and returns all that is said about it.
func ingestOnce(t *testing.T, token string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var log bytes.Buffer
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		execute(ctx, []string{"ingest"}, strings.NewReader(""), &log, &log)
	}()
	said := ""
	for said == "" {
		select {
		case <-ended:
			return log.String()
		case <-time.After(5 * time.Millisecond):
			said = ask(ctx, http.MethodPost, "http://"+os.Getenv("INGEST_ADDR")+"/v1/text/"+url.PathEscape(token))
		}
	}
	said += endpoint(ctx, "/metrics")
	stop()
	<-ended
	return said + log.String()
}

func endpoint(ctx context.Context, path string) string {
	return ask(ctx, http.MethodGet, "http://"+os.Getenv("ADMIN_ADDR")+path)
}

// ask returns the answer, or "" if there is none.
func ask(ctx context.Context, method, to string) string {
	request, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader("hello"))
	if err != nil {
		return err.Error()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return ""
	}
	defer func() { _ = response.Body.Close() }()
	body, _ := io.ReadAll(response.Body)
	return string(body)
}
