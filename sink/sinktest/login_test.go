package sinktest_test

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

func TestLogin(t *testing.T) {
	srv := start(t, sinktest.Config{})
	srv.OfferMechanisms("SCRAM-SHA-256-PLUS", "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "SCRAM-SHA-256-PLUS"} {
		for _, direct := range []bool{false, true} {
			a := notifier()
			a.mechanism, a.direct, a.resource = mechanism, direct, "r"
			c := login(t, srv, a)
			c.ping()
			got := srv.Sessions()
			if len(got) != 1 || got[0].JID != "notifier@xmpp.test/r" || got[0].Mechanism != mechanism || got[0].DirectTLS != direct ||
				got[0].TLSVersion != tls.VersionTLS13 || got[0].ALPN != "xmpp-client" {
				t.Errorf("%s, direct %v: sessions %+v", mechanism, direct, got)
			}
			c.send("</stream:stream>")
			c.ended()
			if err := srv.Wait(t.Context(), func() bool { return len(srv.Sessions()) == 0 }); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestWrongPasswordMayTryAgain(t *testing.T) {
	srv := start(t, sinktest.Config{})
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256"} {
		c, features := dial(t, srv)
		if !strings.Contains(features.Inner, "<required/>") || strings.Contains(features.Inner, "mechanism") {
			t.Errorf("features in clear: %s", features.Inner)
		}
		c.startTLS()
		c.open(srv.Domain())
		a := notifier()
		a.mechanism, a.password = mechanism, "wrong"
		if got := c.auth(a); got.XMLName.Local != "failure" || !strings.Contains(got.Inner, "not-authorized") {
			t.Errorf("%s: %s %s", mechanism, got.XMLName.Local, got.Inner)
		}
		srv.SetPassword("notifier", "wrong")
		if got := c.auth(a); got.XMLName.Local != "success" {
			t.Errorf("%s after the password was changed: %s %s", mechanism, got.XMLName.Local, got.Inner)
		}
		srv.SetPassword("notifier", "notifier-pw")
	}
	if got := srv.Stats(); got.LoginFailures != 2 || got.Logins != 2 {
		t.Errorf("stats %+v", got)
	}
}

func TestNothingInClear(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c, _ := dial(t, srv)
	if got := c.auth(notifier()); !strings.Contains(got.Inner, "encryption-required") {
		t.Errorf("login in clear: %s", got.Inner)
	}
}

func TestTLSModes(t *testing.T) {
	_, features := dial(t, start(t, sinktest.Config{TLS: sinktest.TLSNever}))
	if strings.Contains(features.Inner, "starttls") {
		t.Errorf("TLSNever offers %s", features.Inner)
	}
	c, features := dial(t, start(t, sinktest.Config{TLS: sinktest.TLSOptional}))
	if !strings.Contains(features.Inner, "starttls") || !strings.Contains(features.Inner, "PLAIN") {
		t.Errorf("TLSOptional offers %s", features.Inner)
	}
	if got := c.auth(notifier()); got.XMLName.Local != "success" {
		t.Errorf("login in clear: %s", got.Inner)
	}
}

func TestWrongHost(t *testing.T) {
	srv := start(t, sinktest.Config{})
	c, _ := dial(t, srv)
	c.startTLS()
	if got := c.open("other.test"); got.XMLName.Local != "error" || !strings.Contains(got.Inner, "host-unknown") {
		t.Errorf("got %s %s", got.XMLName.Local, got.Inner)
	}
}

func TestCertificateFaults(t *testing.T) {
	for name, cfg := range map[string]sinktest.Config{
		"wrong name": {CertNames: []string{"other.test"}},
		"expired":    {CertNotAfter: time.Now().Add(-time.Hour)},
	} {
		srv := start(t, cfg)
		conn, err := dialTLS(t.Context(), srv)
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s: the certificate was accepted", name)
		}
	}
}

func TestInjectionAfterProceed(t *testing.T) {
	srv := start(t, sinktest.Config{})
	srv.InjectAfterProceed("<injected/>")
	c, _ := dial(t, srv)
	c.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
	if first, second := c.read(), c.read(); first.XMLName.Local != "proceed" || second.XMLName.Local != "injected" {
		t.Errorf("got %s, %s", first.XMLName.Local, second.XMLName.Local)
	}
}

func TestTamperedChallenge(t *testing.T) {
	srv := start(t, sinktest.Config{})
	srv.TamperSASL(func(step, payload string) string {
		if step == "challenge" {
			return "r=evil"
		}
		return payload
	})
	c, _ := dial(t, srv)
	c.startTLS()
	c.open(srv.Domain())
	got := c.exchange("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>%s</auth>", "n,,n=notifier,r=abc")
	if plain(t, got.Text) != "r=evil" {
		t.Errorf("challenge %q", plain(t, got.Text))
	}
}

func TestLimitsAreAdvertised(t *testing.T) {
	srv := start(t, sinktest.Config{AdvertiseLimits: true, MaxStanzaBytes: 12345})
	c, _ := dial(t, srv)
	c.startTLS()
	if got := c.open(srv.Domain()); !strings.Contains(got.Inner, "<max-bytes>12345</max-bytes>") {
		t.Errorf("features %s", got.Inner)
	}
}

func TestResourceConflictReplacesTheOldSession(t *testing.T) {
	srv := start(t, sinktest.Config{})
	a := notifier()
	a.resource = "same"
	old := inside(t, srv, a, "notifier")
	young := login(t, srv, a)
	seen := old.ended()
	if last := seen[len(seen)-1]; last.XMLName.Local != "error" || !strings.Contains(last.Inner, "<conflict") {
		t.Errorf("the old session got %s %s", last.XMLName.Local, last.Inner)
	}
	young.join("notifier")
	young.say("1", "one")
	young.heard("notifier", "1")
}
