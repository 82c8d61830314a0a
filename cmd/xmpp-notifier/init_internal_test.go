package main

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// serveNATS starts a server and names it in the environment, with no setting
// of the room: init needs none.
func serveNATS(t *testing.T) *nats.Conn {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	conn, err := nats.Connect(srv.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	t.Setenv("SOURCES", "nats")
	t.Setenv("NATS_URL", srv.ClientURL())
	t.Setenv("NATS_STREAM", "NOTIFY")
	return conn
}

func TestInit(t *testing.T) {
	conn := serveNATS(t)
	steps := []struct {
		name string
		args []string
		env  map[string]string
		do   func(nats.JetStreamContext) error
		code int
		want string
	}{
		{name: "no stream", args: []string{"init"}, code: exitFailed, want: `stream "NOTIFY" does not exist`},
		{name: "create", args: []string{"init", "--create"}, env: map[string]string{"NATS_SUBJECTS": "notify.>"}, code: exitOK, want: "nats: created consumer xmpp-notifier of stream NOTIFY"},
		{name: "created again", args: []string{"init", "--create"}, code: exitOK, want: "nats: found stream NOTIFY-dlq for dead letters"},
		{name: "flawed", args: []string{"init"}, code: exitFailed, want: "nats: wrong: consumer xmpp-notifier: max_deliver is 3", do: func(js nats.JetStreamContext) error {
			info, err := js.ConsumerInfo("NOTIFY", "xmpp-notifier")
			if err != nil {
				return err
			}
			info.Config.MaxDeliver = 3
			_, err = js.UpdateConsumer("NOTIFY", &info.Config)
			return err
		}},
		{name: "argument", args: []string{"init", "now"}, code: exitUsage, want: `unexpected argument "now"`},
		{name: "setting", args: []string{"init"}, env: map[string]string{"NATS_ACK_WAIT": "1ms"}, code: exitUsage, want: "NATS_ACK_WAIT 1ms"},
	}
	for _, step := range steps {
		t.Run(step.name, func(t *testing.T) {
			for name, value := range step.env {
				t.Setenv(name, value)
			}
			js, err := conn.JetStream()
			if err == nil && step.do != nil {
				err = step.do(js)
			}
			if err != nil {
				t.Fatal(err)
			}
			code, stdout, stderr := invoke(t, "", step.args...)
			if strings.Contains(step.name, "create") && strings.Contains(stdout, "note: ") {
				t.Errorf("init warns of what it has just made:\n%s", stdout)
			}
			if code != step.code || !strings.Contains(stdout+stderr, step.want) {
				t.Errorf("exit code %d, want %d with %q; output\n%s%s", code, step.code, step.want, stdout, stderr)
			}
		})
	}
}
