package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/render"
)

// settings are the defaults of the program.
func settings() render.Config {
	return render.Config{Style: "plain", MaxLines: 20, MaxBytes: 2000, MentionSeverity: "critical"}
}

func newRenderer(t *testing.T, c render.Config) *render.Renderer {
	t.Helper()
	if errs := c.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	r, err := render.New(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// byTemplate returns what a template makes of e.
func byTemplate(t *testing.T, text string, e envelope.Envelope) string {
	t.Helper()
	c := settings()
	c.Template = text
	return newRenderer(t, c).Text(e)
}

func disk() envelope.Envelope {
	return envelope.Envelope{
		ID: "7", Source: "disk-watch", Severity: envelope.Critical, State: envelope.Firing,
		Subject: "Disk full on db-1", Message: "/var is at 100 %\nWrites fail.", HostName: "db-1",
		Time: time.Date(2026, 3, 29, 11, 5, 0, 0, time.UTC), Expiry: time.Date(2026, 3, 29, 12, 5, 0, 0, time.UTC),
		Links:   []envelope.Link{{Name: "runbook", URL: "https://wiki.example.org/disk"}, {Name: "bad", URL: "javascript:alert(1)"}},
		Headers: []envelope.Header{{Key: "team", Value: "*ops\x00"}},
		Labels:  map[string]string{"team": "storage"}, Data: json.RawMessage(`{"used":0.99,"disks":["a","b"],"deep":{"x":null}}`),
		Extra: map[string]json.RawMessage{"ticket": json.RawMessage(`"OPS-1"`)},
	}
}

func TestTemplatesSeeTheWholeNotification(t *testing.T) {
	for template, want := range map[string]string{
		`{{.Mark}} {{.Subject}}`: "🔴 CRITICAL Disk full on db-1",
		`{{.Severity}} {{.Level}} {{.State}} {{.Firing}} {{.Resolved}}`: "critical 18 firing true false",
		`{{.Labels.team}}{{.Labels.absent}}`:                            "storage",
		`{{with .Data}}{{.used}} {{join "+" .disks}} {{.none}}{{end}}`:  "0.99 a+b",
		`{{.Extra.ticket}}`:                                             "OPS-1",
		`{{.Link "runbook"}} {{len .Links}}`:                            "https://wiki.example.org/disk 1",
		`{{date "15:04" .Time}} {{date "15:04" "Europe/Berlin" .Time}}`: "11:05 13:05",
		`{{since .Time .Expiry}}`:                                       "1h0m0s",
		`{{.Subject | upper | cut 9}}`:                                  "DISK FULL…",
		`{{lines 1 .Message}}`:                                          "/var is at 100 %\n… (cut, 13 more bytes)",
		`{{oneline .Message}}`:                                          "/var is at 100 % Writes fail.",
		`{{strong .Subject}} {{emph "a"}} {{code "b"}}`:                 "*Disk full on db-1* _a_ `b`",
		`{{quote .Message}}`:                                            "> /var is at 100 %\n> Writes fail.",
		`{{default "nobody" .Labels.owner}} {{default "x" .Host}}`:      "nobody db-1",
		`{{json .Data}}`:                                                `{"deep":{"x":null},"disks":["a","b"],"used":"0.99"}`,
		`{{printf "%-6s|" .Host}}`:                                      "db-1  |",
		`{{.Header "TEAM"}}{{.Header "none"}}`:                          "*ops",
		`{{.Default}}`:                                                  render.Text(disk()),
		`{{.}}`:                                                         render.Text(disk()),
	} {
		if got := byTemplate(t, template, disk()); got != want {
			t.Errorf("%s\n got: %q\nwant: %q", template, got, want)
		}
	}
}

func TestTemplatesCannotBeMisusedByPayloads(t *testing.T) {
	e := envelope.Envelope{Subject: "/me *admin*", Message: "> said\n```\ncode\x1b[31m\u202e", Labels: map[string]string{"a": "_b_"}}
	got := byTemplate(t, "{{.Subject}}\n{{.Message}}\n{{.Labels.a}}", e)
	checkText(t, got)
	if got := byTemplate(t, "{{printf .Subject 1}}", envelope.Envelope{Subject: "%999999999d"}); got != "%999999999d" {
		t.Errorf("got %.100q, want the default text", got)
	}
}

func TestATemplateWithoutTextGivesTheDefault(t *testing.T) {
	if got := byTemplate(t, "{{.Labels.team}}", envelope.Envelope{Subject: "s"}); got != "s" {
		t.Errorf("got %q", got)
	}
}

// TestAFailingTemplateLosesNothing makes a template fail for one notification
// in ways that the samples do not show. On a slow machine the time is up first.
func TestAFailingTemplateLosesNothing(t *testing.T) {
	for name, c := range map[string]struct{ template, why string }{
		"error":      {`{{index .Links 99}}`, "index 99 is out of range"},
		"loop":       {`{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}`, "more than "},
		"slow":       {`{{range 9999}}{{$.Default}}{{end}}`, "more than "},
		"recursion":  {`{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}`, "more than "},
		"output":     {`{{range 9999}}{{$.Message}}{{end}}`, "more than "},
		"doubling":   {`{{$x := .Subject}}{{range 5000}}{{$x = print $x $x}}{{end}}{{$x}}`, "more than "},
		"data":       {`{{.Data}}`, "Data: more than 262144 bytes of JSON"},
		"extra":      {`{{.Extra.big}}`, "Extra: more than 262144 bytes of JSON"},
		"escapes":    {`{{$x := "'"}}{{range 5000}}{{$x = js $x}}{{end}}{{$x}}`, "more than "},
		"replace":    {`{{$x := "ab"}}{{range 5000}}{{$x = replace "a" "aa" $x}}{{end}}{{$x}}`, "more than "},
		"wide":       {`{{printf "%1000d" 1}}`, "printf: the format is too long"},
		"many words": {`{{range split "" .Message}}{{.}}{{end}}{{range split "" .Message}}{{.}}{{end}}`, "more than "},
		"zone":       {`{{date .Message "no zone" .Time}}`, "unknown time zone"},
		"no list":    {`{{join "," .Subject}}`, "expected a list, got string"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			settings := settings()
			settings.Template = `{{if .Labels.boom}}` + c.template + `{{end}}{{.Subject}}`
			if strings.Contains(c.template, "define") {
				settings.Template = `{{define "r"}}{{template "r" .}}{{end}}{{if .Labels.boom}}{{template "r" .}}{{end}}{{.Subject}}`
			}
			r, err := render.New(settings, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			if got, want := r.Text(huge()), render.Text(huge()); got != want {
				t.Errorf("got %.100q, want the default text", got)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %s", took)
			}
			if r.Failures() != 1 || !strings.Contains(log.String(), c.why) {
				t.Errorf("%d failures, want 1 because of %q; log %s", r.Failures(), c.why, log.String())
			}
		})
	}
}

// huge is a notification as large as a broker can carry.
func huge() envelope.Envelope {
	return envelope.Envelope{
		Subject: "s", Message: strings.Repeat("m", 1<<20), Labels: map[string]string{"boom": "yes"},
		Time:  time.Date(2026, 3, 29, 11, 5, 0, 0, time.UTC),
		Data:  json.RawMessage("[" + strings.Repeat("1,", 1<<17) + "1]"),
		Extra: map[string]json.RawMessage{"big": json.RawMessage(`"` + strings.Repeat("x", 1<<18) + `"`)},
	}
}

// TestALongListEndsAtALimit has the longest list that templates can see.
func TestALongListEndsAtALimit(t *testing.T) {
	c := settings()
	c.Template = `{{range .Data}}x{{end}}`
	r := newRenderer(t, c)
	e := envelope.Envelope{Subject: "s", Data: json.RawMessage("[" + strings.Repeat("1,", 1<<17-1) + "1]")}
	if got := r.Text(e); r.Failures() != 1 || got != render.Text(e) {
		t.Errorf("%d failures, got %.100q", r.Failures(), got)
	}
}

func TestTemplatesAreCheckedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte("{{.Nope}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*render.Config){
		"TEMPLATE: template: template:1: unclosed action": func(c *render.Config) { c.Template = "{{.Subject" },
		`function "env" not defined`:                      func(c *render.Config) { c.Template = `{{env "HOME"}}` },
		`TEMPLATE: fails for the sample "only a subject"`: func(c *render.Config) { c.Template = `{{.Data.used}}{{.Nope}}` },
		`TEMPLATE_FILE: fails for the sample`:             func(c *render.Config) { c.TemplateFile = file },
		`TEMPLATE and TEMPLATE_FILE are both set`:         func(c *render.Config) { c.Template, c.TemplateFile = "x", file },
		`TEMPLATE_FILE="/none": no such file`:             func(c *render.Config) { c.TemplateFile = "/none" },
		`TEXT_STYLE="loud": use plain, styled or payara`:  func(c *render.Config) { c.Style = "loud" },
		`TEXT_MAX_LINES=0: use 1 to 500`:                  func(c *render.Config) { c.MaxLines = 0 },
		`TEXT_MAX_BYTES=1: use 200 to 60000`:              func(c *render.Config) { c.MaxBytes = 1 },
		`MENTION: " " is no nickname`:                     func(c *render.Config) { c.Mention = []string{" "} },
		`MENTION_SEVERITY="": use debug`:                  func(c *render.Config) { c.MentionSeverity = "" },
	} {
		c := settings()
		change(&c)
		if got := fmt.Sprint(c.Validate()); !strings.Contains(got, want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if errs := settings().Validate(); len(errs) > 0 {
		t.Errorf("the defaults are wrong: %v", errs)
	}
}
