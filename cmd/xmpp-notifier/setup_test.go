package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// From a server that knows an administrator to the first notification in the
// room with two commands.
func TestSetupAndSend(t *testing.T) {
	srv, err := sinktest.Start(sinktest.Config{Users: map[string]string{"admin": "admin-pw"}, Admins: []string{"admin"}, RoomMissing: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, value := range map[string]string{
		"XMPP_ADMIN_JID": "admin@" + srv.Domain(), "XMPP_ADMIN_PASSWORD_FILE": write("admin-password", "admin-pw\n"),
		"XMPP_JID": "watchman@" + srv.Domain(), "XMPP_PASSWORD": "watch & <ward>",
		"XMPP_ROOM": srv.RoomJID(), "XMPP_ADDR": srv.Addr(), "XMPP_CA_FILE": write("ca.pem", string(srv.CAPEM())),
	} {
		t.Setenv(name, value)
	}
	code, out, errs := invoke(t, "", "setup", "--dry-run")
	if code != exitOK || !strings.Contains(out, "would do    account") || strings.Contains(out, "done ") {
		t.Errorf("dry run: code %d\n%s%s", code, out, errs)
	}
	code, out, errs = invoke(t, "", "setup", "--room-name", "Tower", "--members-only")
	if code != exitOK || !strings.Contains(out, `done        configuration of the room: muc#roomconfig_persistentroom="1", muc#roomconfig_roomname="Tower"`) {
		t.Fatalf("setup: code %d\n%s%s", code, out, errs)
	}
	if code, _, errs = invoke(t, "", "send", "-subject", "first"); code != exitOK || len(srv.Transcript()) != 1 {
		t.Errorf("send: code %d, the room has shown %v\n%s", code, srv.Transcript(), errs)
	}
	t.Setenv("XMPP_PASSWORD", "wrong")
	code, out, errs = invoke(t, "", "setup")
	if code != exitFailed || !strings.Contains(out, "failed      create account watchman") || !strings.Contains(errs, "the server is not prepared, see above") {
		t.Errorf("wrong password: code %d\n%s%s", code, out, errs)
	}
}

func TestSetupNamesWhatIsWrong(t *testing.T) {
	t.Setenv("XMPP_ADMIN_JID", "admin")
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"setup"}, `XMPP_ADMIN_JID="admin" is not of the form local@domain: give the account as user@domain`},
		{[]string{"setup"}, "XMPP_ADMIN_PASSWORD is not set"},
		{[]string{"setup"}, "XMPP_ROOM is not set"},
		{[]string{"setup", "now"}, `unexpected argument "now"`},
		{[]string{"setup", "--loud"}, "See: xmpp-notifier setup --help"},
	} {
		if code, _, errs := invoke(t, "", c.args...); code != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%v: code %d, %q is missing in\n%s", c.args, code, c.want, errs)
		}
	}
}
