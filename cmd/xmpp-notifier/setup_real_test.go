//go:build real

package main

import (
	"context"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// TestRealSetup goes from a server that knows an administrator to the first
// notification in the room with two commands.
func TestRealSetup(t *testing.T) {
	for _, server := range []struct {
		name  string
		start func(context.Context, testbed.Options) (*testbed.XMPP, error)
		how   string
	}{
		{"Prosody", testbed.Prosody, "created (XEP-0133)"},
		{"ejabberd", testbed.Ejabberd, "created (XEP-0133)"},
		{"jabberd2", testbed.Jabberd2, "registered (XEP-0077)"},
	} {
		t.Run(server.name, func(t *testing.T) {
			srv, err := server.start(t.Context(), testbed.Options{Dir: t.TempDir(), Archive: true})
			started(t, srv, err)
			for name, value := range map[string]string{
				"XMPP_ADMIN_JID": "admin@" + srv.Domain, "XMPP_ADMIN_PASSWORD": testbed.Password("admin"),
				"XMPP_JID": "watchman@" + srv.Domain, "XMPP_PASSWORD": "watch & <ward>",
				"XMPP_ROOM": "tower@" + srv.MUC, "XMPP_ADDR": srv.Addr, "XMPP_CA_FILE": srv.CAFile,
			} {
				t.Setenv(name, value)
			}
			testSetup(t, server.how)
		})
	}
}

func testSetup(t *testing.T, how string) {
	for range 2 { // the first has changed nothing
		setsUp(t, []string{"--dry-run", "--members-only"}, "would do    account watchman@xmpp.test "+how, "would do    room tower", "would do    configuration", "would do    watchman@xmpp.test member", "would do    check")
	}
	setsUp(t, []string{"--members-only", "--room-name", "The tower's room"}, "done        account watchman@xmpp.test "+how, "done        room tower", "done        configuration",
		`muc#roomconfig_roomname="The tower's room"`, "muc#roomconfig_membersonly", "done        watchman@xmpp.test member", "done        checked: watchman@xmpp.test can enter and speak")
	if code, stdout, stderr := invoke(t, "", "send", "-subject", "first"); code != exitOK {
		t.Fatalf("send after setup: code %d\n%s%s", code, stdout, stderr)
	}
	for _, dry := range [][]string{{"--dry-run"}, nil} {
		out := setsUp(t, append(dry, "--members-only"), "already so  watchman@xmpp.test can log in", "already so  room tower")
		for _, what := range []string{"configuration of the room", "watchman@xmpp.test member of the room"} {
			hidden := dry != nil && strings.Contains(out, "would do    "+what+", unless") // by jabberd2
			if !strings.Contains(out, "already so  "+what) && !hidden {
				t.Errorf("not already so: %s", what)
			}
		}
	}
	t.Setenv("XMPP_ROOM_PASSWORD", "sesame")
	out := setsUp(t, []string{"--round-trip"}, "done        configuration", "can enter and speak; a message was shown after")
	if strings.Contains(out, "sesame") {
		t.Error("the room's password is shown")
	}
	fails(t, "XMPP_PASSWORD", "wrong", "the account exists, and XMPP_PASSWORD is not its password: set XMPP_PASSWORD")
	fails(t, "XMPP_ADMIN_PASSWORD", "wrong", "log in as admin@xmpp.test: not-authorized", "check XMPP_ADMIN_JID and XMPP_ADMIN_PASSWORD")
	fails(t, "XMPP_ROOM", "tower@rooms.xmpp.test", "find the service rooms.xmpp.test", "correct XMPP_ROOM")
}

// setsUp runs setup, which must succeed and say all that is wanted.
func setsUp(t *testing.T, args []string, wanted ...string) string {
	t.Helper()
	code, stdout, stderr := invoke(t, "", append([]string{"setup"}, args...)...)
	t.Logf("setup %q\n%s%s", args, stdout, stderr)
	for _, want := range wanted {
		if code != exitOK || !strings.Contains(stdout, want) {
			t.Fatalf("code %d, want %q", code, want)
		}
	}
	return stdout
}

// fails runs setup with one setting changed, which must fail and say why.
func fails(t *testing.T, name, value string, wanted ...string) {
	t.Helper()
	was := map[string]string{"XMPP_PASSWORD": "watch & <ward>", "XMPP_ADMIN_PASSWORD": testbed.Password("admin"), "XMPP_ROOM": "tower@conference.xmpp.test"}
	t.Setenv(name, value)
	defer t.Setenv(name, was[name])
	code, stdout, stderr := invoke(t, "", "setup")
	t.Logf("setup with %s=%s\n%s%s", name, value, stdout, stderr)
	for _, want := range wanted {
		if code != exitFailed || !strings.Contains(stdout, "failed      ") || !strings.Contains(stdout, want) {
			t.Errorf("code %d, want %q", code, want)
		}
	}
}

// TestRealSetupWithADirectory: where the accounts are those of an LDAP directory,
// setup says so, and goes on with the room and the membership.
func TestRealSetupWithADirectory(t *testing.T) {
	srv, err := testbed.Ejabberd(t.Context(), testbed.Options{Dir: t.TempDir(), Directory: true})
	started(t, srv, err)
	for name, value := range map[string]string{
		"XMPP_ADMIN_JID": "admin@" + srv.Domain, "XMPP_ADMIN_PASSWORD": testbed.Password("admin"),
		"XMPP_JID": "watchman@" + srv.Domain, "XMPP_PASSWORD": "watch & <ward>",
		"XMPP_ROOM": "tower@" + srv.MUC, "XMPP_ADDR": srv.Addr, "XMPP_CA_FILE": srv.CAFile,
	} {
		t.Setenv(name, value)
	}
	code, stdout, stderr := invoke(t, "", "setup", "--members-only")
	t.Logf("setup\n%s%s", stdout, stderr)
	for _, want := range []string{
		"note        the server makes no accounts (not-allowed): they are those of a directory like LDAP. Create watchman@xmpp.test there",
		"done        room tower", "done        watchman@xmpp.test member", "failed      ",
	} {
		if code != exitFailed || !strings.Contains(stdout, want) {
			t.Errorf("code %d, want %q", code, want)
		}
	}
	t.Setenv("XMPP_JID", "notifier@"+srv.Domain) // which the directory has
	t.Setenv("XMPP_PASSWORD", testbed.Password("notifier"))
	setsUp(t, []string{"--members-only", "--round-trip"}, "already so  notifier@xmpp.test can log in", "already so  room tower",
		"done        notifier@xmpp.test member", "can enter and speak; a message was shown after")
}
