package setup_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/setup"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// fresh starts a server that knows an administrator, and somebody else, and has
// no room.
func fresh(t *testing.T, cfg sinktest.Config) (*sinktest.Server, setup.Options) {
	t.Helper()
	cfg.Users = map[string]string{"admin": "admin-pw", "other": "other-pw"}
	cfg.RoomMissing = true
	if cfg.Mechanisms == nil {
		cfg.Mechanisms = []string{"PLAIN"} // quick, and SCRAM is tested elsewhere
	}
	srv, err := sinktest.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	worker := sink.Config{
		JID: "Watchman@" + srv.Domain(), Password: config.NewSecret("watch & <ward>"), IDKey: config.NewSecret("key"),
		Addr: srv.Addr(), TLS: "auto", CAFile: ca, Room: srv.RoomJID(),
		Limits: sink.Limits{
			MaxInFlight: 10, MaxStanzaBytes: 65000, ConnectTimeout: 10 * time.Second, PingInterval: time.Minute,
			StallTimeout: time.Minute, ReconnectMax: time.Minute,
		},
	}
	return srv, setup.Options{
		Admin:  setup.Config{JID: "admin@" + srv.Domain(), Password: config.NewSecret("admin-pw")},
		Worker: worker,
	}
}

// run prepares the server and returns what was reported.
func run(t *testing.T, o setup.Options) (text string, failed bool) {
	t.Helper()
	var b strings.Builder
	err := setup.Run(t.Context(), o, func(l setup.Line) { b.WriteString(string(l.Outcome) + ": " + l.Text + "\n") })
	if err != nil && !errors.Is(err, setup.ErrFailed) {
		t.Error(err)
	}
	t.Log("\n" + b.String())
	return b.String(), err != nil
}

func wants(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// From nothing to a room in which a message has been shown, once by each way to
// make an account and on servers of all habits.
func TestAnEmptyServerIsPrepared(t *testing.T) {
	admins := []string{"admin"}
	for name, c := range map[string]struct {
		cfg sinktest.Config
		how string
	}{
		"administrator":        {sinktest.Config{Admins: admins}, "created (XEP-0133)"},
		"administrator, SCRAM": {sinktest.Config{Admins: admins, Mechanisms: []string{"SCRAM-SHA-256"}}, "created (XEP-0133)"},
		"reserved nicknames":   {sinktest.Config{Admins: admins, ReservedNicks: true}, "created (XEP-0133)"},
		"registration":         {sinktest.Config{Register: true}, "registered (XEP-0077)"},
		"ejabberd":             {sinktest.Config{Admins: admins, Profile: sinktest.Ejabberd()}, "created (XEP-0133)"},
		"jabberd2":             {sinktest.Config{Register: true, Profile: sinktest.Jabberd2()}, "registered (XEP-0077)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, o := fresh(t, c.cfg)
			o.MembersOnly, o.RoomName, o.RoundTrip = true, "The tower's room", true
			o.Worker.RoomPassword = config.NewSecret("sesame & <open>")
			text, failed := run(t, o)
			wants(t, text, "done: account watchman@xmpp.test "+c.how, "done: room alerts@conference.xmpp.test created",
				`muc#roomconfig_persistentroom="1"`, `roomname="The tower's room"`, `membersonly="1"`, `historylength="200"`, "roomsecret set", `enablearchiving="1"`,
				"done: watchman@xmpp.test member of the room", "done: checked: watchman@xmpp.test can enter and speak; a message was shown after")
			if failed || strings.Contains(text, "sesame") || strings.Contains(text, "ward") {
				t.Error("it failed, or shows a secret")
			}
			if shown := srv.Transcript(); len(shown) != 1 {
				t.Errorf("the room has shown %v", shown)
			}
			o.RoundTrip = false
			text, _ = run(t, o)
			wants(t, text, "already so: watchman@xmpp.test can log in", "already so: room", "already so: configuration", "already so: watchman@xmpp.test member", "done: checked")
		})
	}
}

// Accounts of a directory like LDAP are made there. The room and the membership
// are prepared all the same, so that nothing else is left to do.
func TestAccountsOfADirectoryAreLeftToIt(t *testing.T) {
	t.Parallel()
	_, o := fresh(t, sinktest.Config{Admins: []string{"admin"}, Directory: true})
	o.MembersOnly = true
	text, failed := run(t, o)
	wants(t, text, "note: the server makes no accounts (not-allowed): they are those of a directory like LDAP. Create watchman@xmpp.test there",
		"done: room alerts@conference.xmpp.test created", "done: watchman@xmpp.test member of the room", "failed: ")
	if !failed {
		t.Error("an account that cannot log in is good enough")
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	t.Parallel()
	srv, o := fresh(t, sinktest.Config{Admins: []string{"admin"}})
	o.DryRun, o.MembersOnly = true, true
	for range 2 {
		text, failed := run(t, o)
		wants(t, text, "would do: account watchman@xmpp.test created (XEP-0133)", "would do: room", "would do: configuration", "would do: watchman@xmpp.test member", "would do: check")
		if failed || strings.Contains(text, "done") {
			t.Error("it failed, or did something")
		}
	}
	if joins := srv.Joins(); len(joins) > 0 {
		t.Errorf("there were joins: %v", joins)
	}
	o.DryRun, o.MembersOnly = false, false
	run(t, o)
	o.DryRun, o.MembersOnly = true, true
	text, _ := run(t, o)
	wants(t, text, `would do: configuration of the room: muc#roomconfig_membersonly="1"`, "already so: watchman@xmpp.test member")
}

// A dry run does not join, and so does not see what is told to occupants only.
func TestADryRunSaysWhatItCannotSee(t *testing.T) {
	t.Parallel()
	srv, o := fresh(t, sinktest.Config{Register: true, Profile: sinktest.Jabberd2()})
	run(t, o)
	before := len(srv.Joins())
	o.DryRun = true
	text, failed := run(t, o)
	wants(t, text, "would do: configuration of the room, unless it is so", "would do: watchman@xmpp.test member of the room, unless it is one")
	if joins := srv.Joins(); failed || len(joins) != before {
		t.Errorf("it failed, or joined: %v", joins)
	}
}

// What nobody asked for by a flag may be the server's to decide.
func TestWhatTheServerDoesNotTakeIsNoted(t *testing.T) {
	t.Parallel()
	srv, o := fresh(t, sinktest.Config{Admins: []string{"admin"}})
	srv.IgnoreOption("enablearchiving")
	for _, want := range []string{`done: configuration of the room: muc#roomconfig_persistentroom="1", muc#roomconfig_historylength="200"`, "already so: configuration of the room, as far as the server takes it"} {
		text, failed := run(t, o)
		wants(t, text, `note: the server did not take muc#roomconfig_enablearchiving="1"`, want+"\n")
		if failed {
			t.Error("it failed")
		}
	}
}

// What fails says why, and what helps.
func TestFailuresNameTheFix(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  sinktest.Config
		do   func(*sinktest.Server, *setup.Options)
		want string
	}{
		"administrator's password": {
			sinktest.Config{},
			func(_ *sinktest.Server, o *setup.Options) { o.Admin.Password = config.NewSecret("wrong") },
			"failed: log in as admin@xmpp.test: not-authorized: check XMPP_ADMIN_JID and XMPP_ADMIN_PASSWORD",
		},
		"no server": {
			sinktest.Config{},
			func(srv *sinktest.Server, _ *setup.Options) { srv.Stop() },
			"check that the server runs, that XMPP_ADDR is right",
		},
		"server that does not answer": {
			sinktest.Config{},
			func(srv *sinktest.Server, o *setup.Options) {
				o.Worker.ConnectTimeout = 300 * time.Millisecond
				srv.Freeze()
			},
			"failed: no answer within XMPP_CONNECT_TIMEOUT=300ms: connect to",
		},
		"no rooms there": {
			sinktest.Config{},
			func(_ *sinktest.Server, o *setup.Options) { o.Worker.Room = "alerts@rooms.xmpp.test" },
			"failed: find the service rooms.xmpp.test: remote-server-not-found: correct XMPP_ROOM, or switch rooms on",
		},
		"no way to make accounts": {
			sinktest.Config{},
			func(*sinktest.Server, *setup.Options) {},
			"failed: create account watchman@xmpp.test: server ended the stream: not-authorized: let XMPP_ADMIN_JID be an administrator",
		},
		"account has another password": {
			sinktest.Config{Admins: []string{"admin"}},
			func(_ *sinktest.Server, o *setup.Options) { o.Worker.JID = "other@xmpp.test" },
			"failed: create account other@xmpp.test: the account exists, and XMPP_PASSWORD is not its password: set XMPP_PASSWORD to it",
		},
		"registered with another password": {
			sinktest.Config{Register: true},
			func(_ *sinktest.Server, o *setup.Options) { o.Worker.JID = "other@xmpp.test" },
			"the account exists, and XMPP_PASSWORD is not its password",
		},
		"room that stays open": {
			sinktest.Config{Admins: []string{"admin"}},
			func(srv *sinktest.Server, o *setup.Options) {
				o.MembersOnly = true
				srv.IgnoreOption("membersonly")
			},
			`failed: configure alerts@conference.xmpp.test: the server accepts the form, but does not take muc#roomconfig_membersonly="1": let the server's administrator`,
		},
		"banned": {
			sinktest.Config{Admins: []string{"admin"}},
			func(srv *sinktest.Server, _ *setup.Options) { srv.Ban("watchman") },
			"failed: make watchman@xmpp.test member of the room: the account is banned: lift the ban",
		},
		"room of somebody else": {
			sinktest.Config{Register: true},
			func(srv *sinktest.Server, _ *setup.Options) { srv.CreateRoom() },
			"failed: configure alerts@conference.xmpp.test: forbidden: make XMPP_ADMIN_JID an owner of the room",
		},
		"no voice": {
			sinktest.Config{Admins: []string{"admin"}},
			func(srv *sinktest.Server, _ *setup.Options) { srv.RemoveVoice("watchman") },
			"the room is moderated and the account has no voice",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv, o := fresh(t, c.cfg)
			c.do(srv, &o)
			text, failed := run(t, o)
			if !failed {
				t.Error("it did not fail")
			}
			wants(t, text, c.want)
		})
	}
}
