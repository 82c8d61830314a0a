//go:build real

package main

import (
	"context"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestRealSessions counts the sessions that an account may have: ejabberd allows ten.
func TestRealSessions(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(context.Context, testbed.Options) (*testbed.XMPP, error)
		want  string
	}{
		{"Prosody", testbed.Prosody, "12 at once"},
		{"ejabberd", testbed.Ejabberd, "the server keeps 10 sessions of the account, of 12: raise its limit for XMPP_JID"},
	} {
		t.Run(server.name, func(t *testing.T) {
			srv, err := server.start(t.Context(), testbed.Options{Dir: t.TempDir()})
			started(t, srv, err)
			for name, value := range map[string]string{
				"XMPP_JID": "notifier@" + srv.Domain, "XMPP_PASSWORD": testbed.Password("notifier"), "XMPP_ROOM": "tower@" + srv.MUC,
				"XMPP_ADDR": srv.Addr, "XMPP_CA_FILE": srv.CAFile, "SOURCES": "nats", "NATS_URL": "nats://127.0.0.1:1", "NATS_STREAM": "NOTIFY",
			} {
				t.Setenv(name, value)
			}
			_, stdout, stderr := invoke(t, "", "check", "--sessions", "12", "--ascii")
			if !strings.Contains(stdout, server.want) {
				t.Errorf("check says\n%s%s", stdout, stderr)
			}
			if _, stdout, _ := invoke(t, "", "check", "--ascii"); strings.Contains(stdout, "sessions") {
				t.Errorf("sessions are counted without being asked for:\n%s", stdout)
			}
		})
	}
}
