package config_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

type spec struct {
	Name    string        `envconfig:"T_NAME" required:"true" desc:"Who we are."`
	Count   int           `envconfig:"T_COUNT" default:"20" desc:"How many."`
	Wait    time.Duration `envconfig:"T_WAIT" default:"30s" desc:"How long."`
	On      bool          `envconfig:"T_ON" default:"false" desc:"Whether."`
	List    []string      `envconfig:"T_LIST" desc:"Which."`
	Key     config.Secret `envconfig:"T_KEY" desc:"A key."`
	Another config.Secret `envconfig:"T_ANOTHER" required:"true" desc:"Another key."`
}

func (s *spec) Validate() []error {
	if s.Count > 100 {
		return []error{errors.New("T_COUNT is too large")}
	}
	return nil
}

func load(t *testing.T, env map[string]string) (spec, []config.Setting, string) {
	t.Helper()
	for k, v := range env {
		t.Setenv(k, v)
	}
	var s spec
	settings, errs := config.Load(config.Group{Title: "test", Spec: &s})
	return s, settings, fmt.Sprint(errors.Join(errs...))
}

func TestLoadTakesEnvironmentFilesAndDefaults(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("\uFEFFhunter2\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, settings, errs := load(t, map[string]string{
		"T_NAME": "me", "T_WAIT": "1m", "T_LIST": "a,b", "T_KEY_FILE": file, "T_ANOTHER": "hunter3", "T_COUNT": "",
	})
	if errs != "<nil>" {
		t.Fatal(errs)
	}
	if s.Name != "me" || s.Wait != time.Minute || len(s.List) != 2 || s.Count != 20 {
		t.Errorf("got %+v", s)
	}
	if s.Key.Reveal() != "hunter2" || s.Another.Reveal() != "hunter3" {
		t.Error("secrets were not read")
	}
	var out strings.Builder
	if err := config.PrintEffective(&out, settings); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"T_WAIT     1m0s", "file " + file, "T_COUNT    20        default", "T_NAME     me        environment"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), "hunter") {
		t.Errorf("a secret is in\n%s", out.String())
	}
}

func TestLoadReportsAllErrorsWithTheirFix(t *testing.T) {
	_, _, errs := load(t, map[string]string{
		"T_COUNT": "many", "T_WAIT": "30", "T_ON": "maybe", "T_KEY": "hunter2", "T_KEY_FILE": "/x", "T_ANOTHER_FILE": "/does/not/exist",
	})
	for _, want := range []string{
		"T_NAME is not set: Who we are.",
		`T_COUNT="many": not a number: give a whole number, like 20`,
		`T_WAIT="30": not a duration: give a number with its unit`,
		`T_ON="maybe": not a boolean: give true or false`,
		"T_KEY and T_KEY_FILE are both set",
		`T_ANOTHER_FILE="/does/not/exist": no such file or directory: name a readable file`,
	} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in\n%s", want, errs)
		}
	}
	if strings.Contains(errs, "hunter2") {
		t.Errorf("a secret is in\n%s", errs)
	}
}

func TestListsTakeSpaces(t *testing.T) {
	s, settings, _ := load(t, map[string]string{"T_LIST": " a, b ,, c,"})
	if !slices.Equal(s.List, []string{"a", "b", "c"}) {
		t.Errorf("got %q", s.List)
	}
	if i := slices.IndexFunc(settings, func(s config.Setting) bool { return s.Name == "T_LIST" }); settings[i].Value != "a,b,c" {
		t.Errorf("shown as %q", settings[i].Value)
	}
}

func TestSecretsAreOneLineOfText(t *testing.T) {
	for bad, want := range map[string]string{
		"hunter\t2":                     "T_KEY: character 7 is a tab: give",
		"hünter\n2":                     "T_KEY: character 7 is a line break",
		"hunter\x1b2":                   "T_KEY: character 7 is a control character",
		"hunter\u03782":                 "T_KEY: character 7 is an unassigned or private code point",
		"hunter\uE0002":                 "T_KEY: character 7 is an unassigned or private code point",
		"hunter\xff2":                   "T_KEY: character 7 is not UTF-8",
		"hunter\u20282":                 "T_KEY: character 7 is a line break",
		"hunter2\U0001F600\u00a0\u05d0": "",
	} {
		_, _, errs := load(t, map[string]string{"T_NAME": "me", "T_ANOTHER": "x", "T_KEY": bad})
		if strings.Contains(errs, "nter") || (want == "") != (errs == "<nil>") || !strings.Contains(errs, want) {
			t.Errorf("%q: got %s", bad, errs)
		}
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("hunter2\nhunter3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, errs := load(t, map[string]string{"T_NAME": "me", "T_ANOTHER_FILE": file, "T_KEY": "x", "T_ANOTHER": ""})
	if !strings.Contains(errs, "T_ANOTHER: character 8 is a line break") || strings.Contains(errs, "nter") {
		t.Errorf("got %s", errs)
	}
}

func TestRedact(t *testing.T) {
	for text, want := range map[string]string{
		"https://user:hunter2@otel:4318/v1":           "https://********@otel:4318/v1",
		"nats://hunter2@a:4222,nats://u:hunter2@b":    "nats://********@a:4222,nats://********@b",
		"u:hunter2@a:9092,b:9092":                     "********@a:9092,b:9092",
		"ws://a:80/?x=1&token=hunter2&y=2":            "ws://a:80/?x=1&token=********&y=2",
		"nats://a?auth_token=hunter2":                 "nats://a?auth_token=********",
		"nats://u:hun@ter2@a:4222":                    "nats://********@a:4222",
		"nats://u:hun/ter2@a:4222":                    "nats://********@a:4222",
		"notifier@example.org":                        "notifier@example.org",
		"https://grafana.example.org/d/1?orgId=2&a=b": "https://grafana.example.org/d/1?orgId=2&a=b",
	} {
		if got := config.Redact(text); got != want {
			t.Errorf("%s: got %s", text, got)
		}
	}
}

func TestAddressesSayWhatToWriteInstead(t *testing.T) {
	for addr, want := range map[string]string{
		"kafka:9092":          "",
		"[::1]:9092":          "",
		"kafka":               "has no port: write host:port, like kafka:9092",
		"[::1]":               "has no port: write host:port, like [::1]:9092",
		"2001:db8::7":         "is an IPv6 address without brackets: write [address]:port",
		"kafka://kafka:9093":  "has a scheme: write it without kafka://, like kafka:9093",
		"https://u:p@kafka/x": "has a scheme: write it without https://, like kafka:9092",
		"u:p@kafka:9092":      "has a user",
		"kafka:9092/x":        "has a path: write host:port only, like kafka:9092",
		"kafka:http":          `has the port "http": use a number`,
		"kafka:0":             `has the port "0"`,
		":9092":               "is no address",
		"a:b:c":               "is no address",
	} {
		if got := fmt.Sprint(config.CheckAddress(addr, 9092)); !strings.Contains(got, want) || (got == "<nil>") != (want == "") {
			t.Errorf("%s: got %s", addr, got)
		}
	}
}

func TestAPasswordWithACommaInAListIsMasked(t *testing.T) {
	_, settings, _ := load(t, map[string]string{"T_LIST": "nats://u:hun,ter2@a:4222,nats://b", "T_NAME": "x", "T_ANOTHER": "x"})
	for _, s := range settings {
		if strings.Contains(s.Value, "ter2") {
			t.Errorf("%s is shown as %s", s.Name, s.Value)
		}
	}
}

func TestLoadValidates(t *testing.T) {
	if _, _, errs := load(t, map[string]string{"T_NAME": "me", "T_ANOTHER": "x", "T_COUNT": "101"}); errs != "T_COUNT is too large" {
		t.Errorf("got %s", errs)
	}
}

func TestLoadValidatesWhatLoadsBesideWhatDoesNot(t *testing.T) {
	_, _, errs := load(t, map[string]string{"T_COUNT": "101"})
	for _, want := range []string{"T_NAME is not set", "T_COUNT is too large"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in\n%s", want, errs)
		}
	}
	if _, _, errs := load(t, map[string]string{"T_COUNT": "many"}); strings.Contains(errs, "too large") {
		t.Errorf("a value that did not load was judged:\n%s", errs)
	}
}

func TestMisspeltVariablesAreSuspicious(t *testing.T) {
	got := config.Suspicious([]string{
		"T_NAME=x", "T_NAMES=x", "T_COUN=1", "T_WIAT=1s", "T_KEY_FIEL=/x", "T_SERVICE_HOST=10.0.0.1", "T_O=", "T_COST=1", "=x",
		"T_NAME_FILE=/x", "XMPP_HOST=example.org", "XMPP_PORT=5222",
		"XMPP_PORT=tcp://10.0.0.1:5222", "XMPP_SERVICE_HOST=10.0.0.1", "XMPP_PORT_5222_TCP_PROTO=tcp",
	}, config.Group{Spec: &spec{}})
	want := []string{
		"T_NAMES is set but is no setting: did you mean T_NAME?",
		"T_COUN is set but is no setting: did you mean T_COUNT?",
		"T_WIAT is set but is no setting: did you mean T_WAIT?",
		"T_KEY_FIEL is set but is no setting: did you mean T_KEY_FILE?",
		"T_O is set but is no setting: did you mean T_ON?",
		"T_NAME_FILE is set but is no setting: only secrets are read from files, set T_NAME",
		"XMPP_HOST is set but is no setting: xmpp-notifier help settings lists them",
		"XMPP_PORT is set but is no setting: xmpp-notifier help settings lists them",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSecretCannotBePrinted(t *testing.T) {
	s := config.NewSecret("hunter2")
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "s", s, "p", &s, "in", struct{ S config.Secret }{s})
	encoded, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%v %+v %#v", struct{ S config.Secret }{s}, struct{ S config.Secret }{s}, struct{ S *config.Secret }{&s}),
		string(encoded), logged.String(),
	} {
		if strings.Contains(text, "hunter2") || strings.Contains(text, fmt.Sprintf("%x", "hunter2")) {
			t.Errorf("the secret is in %s", text)
		}
	}
}

func TestPrintUsageNamesEverySetting(t *testing.T) {
	var out strings.Builder
	if err := config.PrintUsage(&out, config.Group{Title: "Test", Spec: &spec{}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"T_NAME  (text, required)", "T_WAIT  (duration, default 30s)", "T_LIST  (list)",
		"T_ANOTHER  (secret, required; or T_ANOTHER_FILE", "      How long.",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestQuotedValuesAreSuspicious(t *testing.T) {
	got := config.Suspicious([]string{
		`T_NAME='notify.>'`, `T_KEY_FILE="/run/secrets/key"`, `T_ANOTHER="a" or "b"`, `T_WAIT="`, `T_TEXT="{{.Subject}}"`, `OTHER="x"`,
	}, config.Group{Spec: &spec{}})
	if len(got) != 2 || !strings.HasPrefix(got[0], "T_NAME begins and ends with a quote") || !strings.HasPrefix(got[1], "T_KEY_FILE ") {
		t.Errorf("got %q", got)
	}
}
