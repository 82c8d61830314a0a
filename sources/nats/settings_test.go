package nats_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
)

func with(urls ...string) nats.Settings {
	return nats.Settings{URLs: urls, DLQSubject: "dlq", InboxPrefix: "_INBOX"}
}

// Addresses are taken as the tools of NATS take them.
func TestServers(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"nats:4222":             "nats://nats:4222",
		"localhost:4222":        "nats://localhost:4222",
		"localhost":             "nats://localhost",
		"demo.nats.io":          "nats://demo.nats.io",
		"::1":                   "nats://[::1]",
		"fd00::17":              "nats://[fd00::17]",
		"[::1]:4222":            "nats://[::1]:4222",
		"tls://nats:4222":       "tls://nats:4222",
		" nats://a:1 ":          "nats://a:1",
		"nats://a:1 nats://b:2": "nats://a:1 nats://b:2",
		"wss://h/path":          "wss://h/path",
	} {
		s := with(address)
		if errs := s.Validate(); len(errs) > 0 {
			t.Errorf("%q: %v", address, errs)
		}
		if got := strings.Join(s.Servers(), " "); got != want {
			t.Errorf("%q: servers %q, want %q", address, got, want)
		}
	}
	if got := with("a:1", " b:2").Servers(); !slices.Equal(got, []string{"nats://a:1", "nats://b:2"}) {
		t.Errorf("servers %q", got)
	}
}

// No password or token goes to another host as it is, unless that is said to be
// right; to this machine it may.
func TestSecretInClear(t *testing.T) {
	t.Parallel()
	password := func(s *nats.Settings) { s.User, s.Password = "u", config.NewSecret("hunter2") }
	token := func(s *nats.Settings) { s.Token = config.NewSecret("hunter2") }
	tests := []struct {
		url    string
		set    func(*nats.Settings)
		secret string // that is refused, or ""
	}{
		{"nats://broker:4222", password, "NATS_PASSWORD"},
		{"broker:4222", token, "NATS_TOKEN"},
		{"ws://broker:80", token, "NATS_TOKEN"},
		{"nats://10.0.0.7:4222", password, "NATS_PASSWORD"},
		{"nats://localhost:4222", password, ""},
		{"nats://127.0.0.1:4222", token, ""},
		{"::1", token, ""},
		{"tls://broker:4222", password, ""},
		{"wss://broker", token, ""},
		{"nats://broker:4222", func(s *nats.Settings) { password(s); s.CA = "ca.pem" }, ""},
		{"nats://broker:4222", func(s *nats.Settings) { password(s); s.Insecure = true }, ""},
		{"nats://broker:4222", func(s *nats.Settings) { s.NKey = "file" }, ""},
	}
	for _, test := range tests {
		s := with(test.url)
		test.set(&s)
		err := errors.Join(s.Validate()...)
		switch {
		case test.secret == "" && err != nil:
			t.Errorf("%s: %v", test.url, err)
		case test.secret != "" && (err == nil || !strings.Contains(err.Error(), test.secret) || !strings.Contains(err.Error(), "NATS_INSECURE=true")):
			t.Errorf("%s: error %v", test.url, err)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error shows the secret: %v", test.url, err)
		}
	}
}

func TestValidateJetStream(t *testing.T) {
	t.Parallel()
	for want, spoil := range map[string]func(*nats.Settings){
		"both set":                       func(s *nats.Settings) { s.Domain, s.APIPrefix = "hub", "$JS.hub.API" },
		`NATS_DOMAIN "a.b" is no domain`: func(s *nats.Settings) { s.Domain = "a.b" },
		`NATS_API_PREFIX "a.>" is no`:    func(s *nats.Settings) { s.APIPrefix = "a.>" },
		"with WebSocket (ws, wss) and":   func(s *nats.Settings) { s.URLs = []string{"ws://a", "nats://b"} },
		"without a host":                 func(s *nats.Settings) { s.URLs = []string{"nats://:4222"} },
		`has the port "99999"`:           func(s *nats.Settings) { s.URLs = []string{"h:99999"} },
	} {
		s := with("nats://h:1")
		spoil(&s)
		if err := errors.Join(s.Validate()...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
