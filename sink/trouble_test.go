package sink_test

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// logged waits until the log has text.
func (c *client) logged(text string) {
	c.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !strings.Contains(c.log.String(), text); {
		select {
		case <-tick.C:
		case <-limit:
			c.t.Fatalf("the log does not say %q", text)
		}
	}
}

// Every mistake is named with its fix, and mending it is enough: nothing has
// to be restarted.
func TestMistakesAreNamedAndRecoveredFrom(t *testing.T) {
	for name, tc := range map[string]struct {
		server sinktest.Config
		client func(*sink.Config)
		spoil  func(*sinktest.Server)
		says   string
		mend   func(*sinktest.Server)
	}{
		"wrong password": {
			spoil: func(s *sinktest.Server) { s.SetPassword("notifier", "other") },
			says:  "not-authorized: check XMPP_JID and XMPP_PASSWORD",
			mend:  func(s *sinktest.Server) { s.SetPassword("notifier", "notifier-pw") },
		},
		"unknown account": {
			spoil: func(s *sinktest.Server) { s.RemoveUser("notifier") },
			says:  "not-authorized: check XMPP_JID and XMPP_PASSWORD",
			mend:  func(s *sinktest.Server) { s.SetPassword("notifier", "notifier-pw") },
		},
		"unknown host": {
			client: func(c *sink.Config) { c.JID = "notifier@localhost" },
			says:   "host-unknown: the server does not serve the domain of XMPP_JID",
		},
		"certificate of another name": {
			server: sinktest.Config{CertNames: []string{"other.example"}},
			says:   "the certificate must name the domain of XMPP_JID, or else XMPP_TLS_SERVER_NAME: it names other.example",
		},
		"certificate without names": {
			server: sinktest.Config{CertNames: []string{""}},
			says:   "it has no subjectAltName",
		},
		"old TLS": {
			server: sinktest.Config{NewestTLS: tls.VersionTLS11},
			says:   "the server has nothing newer than TLS 1.1: enable TLS 1.2 or 1.3 on it",
		},
		"expired certificate": {
			server: sinktest.Config{CertNotAfter: time.Now().Add(-time.Hour)},
			says:   "renew the server's certificate",
		},
		"unknown authority": {
			client: func(c *sink.Config) { c.CAFile = "" },
			says:   "set XMPP_CA_FILE to the authority that issued the server's certificate",
		},
		"no TLS": {
			server: sinktest.Config{TLS: sinktest.TLSNever},
			says:   "server offers no STARTTLS: enable TLS on the server",
		},
		"bytes injected before TLS": {
			spoil: func(s *sinktest.Server) { s.InjectAfterProceed("<evil/>") },
			says:  "STARTTLS refused",
			mend:  func(s *sinktest.Server) { s.InjectAfterProceed("") },
		},
		"no mechanism": {
			spoil: func(s *sinktest.Server) { s.OfferMechanisms("DIGEST-MD5") },
			says:  "enable SCRAM-SHA-256, SCRAM-SHA-1 or PLAIN on the server",
			mend:  func(s *sinktest.Server) { s.OfferMechanisms("PLAIN") },
		},
		"endless hashing": {
			spoil: func(s *sinktest.Server) {
				s.TamperSASL(func(step, text string) string {
					if step == "challenge" {
						return text[:strings.LastIndex(text, "i=")] + "i=2000000000"
					}
					return text
				})
			},
			says: "rounds of hashing",
			mend: func(s *sinktest.Server) { s.TamperSASL(nil) },
		},
		"server without proof": {
			spoil: func(s *sinktest.Server) {
				s.TamperSASL(func(step, text string) string {
					if step == "success" {
						return "v=AAAA"
					}
					return text
				})
			},
			says: "did not prove that it knows the password",
			mend: func(s *sinktest.Server) { s.TamperSASL(nil) },
		},
		"room password missing": {
			spoil: func(s *sinktest.Server) { s.SetRoomPassword("secret") },
			says:  "the room has a password: set XMPP_ROOM_PASSWORD to it",
			mend:  func(s *sinktest.Server) { s.SetRoomPassword("") },
		},
		"members only": {
			spoil: func(s *sinktest.Server) {
				s.RefuseJoins(sinktest.StanzaError{Type: "auth", Condition: "registration-required"}, -1)
			},
			says: "the room is for members only: make the account of XMPP_JID a member",
			mend: (*sinktest.Server).ClearFaults,
		},
		"banned": {
			spoil: func(s *sinktest.Server) { s.Ban("notifier") },
			says:  "the account is banned from the room: ask an owner",
			mend:  func(s *sinktest.Server) { s.Unban("notifier") },
		},
		"room missing": {
			server: sinktest.Config{RoomMissing: true},
			says:   "the room does not exist: create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true",
			mend:   func(s *sinktest.Server) { s.CreateRoom() },
		},
		"chat service down": {
			spoil: func(s *sinktest.Server) {
				s.SuspendRoom(sinktest.StanzaError{Type: "cancel", Condition: "remote-server-not-found"})
			},
			says: "no chat rooms there: check the service in XMPP_ROOM",
			mend: (*sinktest.Server).ResumeRoom,
		},
		"server is silent": {
			client: func(c *sink.Config) { c.ConnectTimeout = 3 * time.Second },
			spoil:  (*sinktest.Server).Freeze,
			says:   "not in the room within XMPP_CONNECT_TIMEOUT=3s",
			mend:   (*sinktest.Server).Unfreeze,
		},
		"server is away": {
			spoil: (*sinktest.Server).Stop,
			says:  "check that the server runs, that XMPP_ADDR is right, and that no firewall is between",
			mend:  func(s *sinktest.Server) { _ = s.Start() },
		},
		"no such host": {
			client: func(c *sink.Config) { c.Addr = "no-such-host.invalid:5222" },
			says:   "check XMPP_JID, XMPP_ADDR and the DNS",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := startServer(t, tc.server)
			cfg := settings(t, srv)
			if tc.client != nil {
				tc.client(&cfg)
			}
			if tc.spoil != nil {
				tc.spoil(srv)
			}
			c := openRoom(t, cfg)
			c.logged(tc.says)
			if len(srv.Transcript()) > 0 {
				t.Error("something was posted")
			}
			if tc.mend == nil {
				return
			}
			tc.mend(srv)
			c.post(0, 5)
			c.delivered(5)
		})
	}
}

func TestThePasswordOfTheAccountIsNeverSentToARoom(t *testing.T) {
	srv := startServer(t, sinktest.Config{RoomPassword: "room-secret"})
	c := openRoom(t, settings(t, srv))
	c.logged("set XMPP_ROOM_PASSWORD")
	c.stop()
	cfg := settings(t, srv)
	cfg.RoomPassword = config.NewSecret("room-secret")
	openRoom(t, cfg).joined()
	joins := srv.Joins()
	for i, join := range joins {
		if want := map[bool]string{true: "room-secret"}[i == len(joins)-1]; join.Password != want {
			t.Errorf("join %d sent the password %q, want %q", i, join.Password, want)
		}
	}
}

func TestRoomIsCreatedOnRequest(t *testing.T) {
	srv := startServer(t, sinktest.Config{RoomMissing: true})
	cfg := settings(t, srv)
	cfg.RoomCreate = true
	c := openRoom(t, cfg)
	c.post(0, 5)
	c.delivered(5)
	second := openRoom(t, settings(t, srv)) // it is open to others
	second.joined()
}

// Not every machine has IPv6 on its loopback, so another address answers for it.
func TestConnectsOverIPv6(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	cfg := settings(t, srv)
	cfg.Addr = "[::1]:5222"
	dialed := make(chan string, 1)
	openRoomBy(t, cfg, func(ctx context.Context, network, addr string) (net.Conn, error) {
		dialed <- network + " " + addr
		return new(net.Dialer).DialContext(ctx, network, srv.Addr())
	}).joined()
	if got := <-dialed; got != "tcp [::1]:5222" {
		t.Errorf("dialed %s", got)
	}
}

func TestWrongSettingsAreAllNamed(t *testing.T) {
	cfg := sink.Config{
		JID: "nobody", Room: "a@b/c", Addr: "host", TLS: "none", Nick: "a\nb", CAFile: "/does/not/exist",
		Limits: sink.Limits{
			MaxInFlight: 0, MaxStanzaBytes: 10,
		},
	}
	_, err := sink.New(cfg, nil)
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{
		`XMPP_JID="nobody"`, `XMPP_ROOM="a@b/c"`, `XMPP_ADDR="host"`, `XMPP_TLS="none"`, "XMPP_NICK=", "XMPP_MAX_IN_FLIGHT=0",
		"XMPP_MAX_STANZA_BYTES=10", `XMPP_CA_FILE="/does/not/exist"`, "XMPP_CONNECT_TIMEOUT=0s", "XMPP_STALL_TIMEOUT=0s",
	} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in\n%v", name, err)
		}
	}
}

// A password that no login takes is refused before there is one, without being shown.
func TestPasswordsThatNoLoginTakes(t *testing.T) {
	for name, c := range map[string]struct{ password, says string }{
		"unassigned":             {"hush\u0378", "character 5 is U+0378"},
		"sign above a number":    {"é\u0600hush", "character 2 is U+0600"},
		"control":                {"hush\u0007", "character 5 is U+0007"},
		"control of direction":   {"hu\u202esh", "character 3 is U+202E"},
		"private":                {"hush\ue000", "character 5 is U+E000"},
		"tag":                    {"hush\U000e0041", "character 5 is U+E0041"},
		"both directions":        {"hush\u05d0", "letters of both directions"},
		"soft hyphen":            {"hu\u00adsh", ""}, // left out
		"newer than SASLprep":    {"hush\u0221", ""},
		"emoji":                  {"hush\U0001F600", ""},
		"compatibility":          {"hush\ufb01", ""},
		"another space":          {"hu\u3000sh", ""},
		"another script":         {"пароль", ""},
		"from the right to left": {"\u05d0\u05d1", ""},
	} {
		errs := sink.Config{Password: config.NewSecret(c.password)}.Validate()
		i := slices.IndexFunc(errs, func(err error) bool { return strings.HasPrefix(err.Error(), "XMPP_PASSWORD: ") })
		switch {
		case c.says == "" && i >= 0:
			t.Errorf("%s: %v", name, errs[i])
		case c.says == "":
		case i < 0 || !strings.Contains(errs[i].Error(), c.says) || strings.Contains(errs[i].Error(), "hu"):
			t.Errorf("%s: got %v, want %q", name, errs, c.says)
		}
	}
}

// Passwords that are stored for another mechanism than the server offers leave PLAIN,
// inside TLS.
func TestAMechanismThatTheServerCannotRunIsFollowedByPlain(t *testing.T) {
	srv := startServer(t, sinktest.Config{
		Mechanisms: []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"},
		NotStored:  []string{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1"},
	})
	c := openRoom(t, settings(t, srv))
	c.post(0, 3)
	c.delivered(3)
}
