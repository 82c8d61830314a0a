package render_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
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
		`{{blockquote .Message}}`:                                       "> /var is at 100 %\n> Writes fail.",
		`{{quote .Host}} {{squote .Host}}`:                              `"db-1" 'db-1'`,
		`{{default "nobody" .Labels.owner}} {{default "x" .Host}}`:      "nobody db-1",
		`{{toJson .Data}}`:                                              `{"deep":{},"disks":["a","b"],"used":0.99}`,
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
		"error":      {`{{.Message.Nope}}`, "line 1: {{.Message.Nope}}: a text has no member .Nope"},
		"loop":       {`{{range 1000000000}}{{range 1000000000}}{{end}}{{end}}`, "more than "},
		"loop else":  {`{{range 0}}{{else}}{{range 1000000000}}{{end}}{{end}}`, "more than "},
		"slow":       {`{{range 9999}}{{$.Default}}{{end}}`, "more than "},
		"recursion":  {`{{define "r"}}{{template "r" .}}{{end}}{{template "r" .}}`, "more than 100 templates call one another"},
		"output":     {`{{range 9999}}{{$.Message}}{{end}}`, "more than "},
		"doubling":   {`{{$x := .Subject}}{{range 5000}}{{$x = print $x $x}}{{end}}{{$x}}`, "more than "},
		"nesting":    {`{{$x := list .}}{{range 5000}}{{$x = list $x $x}}{{end}}{{$x}}`, "list: more than 65536 bytes"},
		"maps":       {`{{$x := dict}}{{range 5000}}{{$x = dict "a" $x "b" $x}}{{end}}{{$x}}`, "dict: more than 65536 bytes"},
		"data":       {`{{.Data}}`, "more than 262144 bytes of JSON"},
		"extra":      {`{{.Extra.big}}`, "more than 262144 bytes of JSON"},
		"escapes":    {`{{$x := "'"}}{{range 5000}}{{$x = js $x}}{{end}}{{$x}}`, "more than "},
		"replace":    {`{{$x := "ab"}}{{range 5000}}{{$x = replace "a" "aa" $x}}{{end}}{{$x}}`, "replace: more than 65536 bytes"},
		"replace in": {`{{replace "m" .Message .Message}}`, "replace: more than 65536 bytes"},
		"patterns":   {`{{reReplaceAll "m" .Message .Message}}`, "reReplaceAll: more than 65536 bytes"},
		"groups":     {`{{reReplaceAll "m*" (repeat 30000 "$0") .Message}}`, "reReplaceAll: more than 65536 bytes"},
		"complex":    {`{{match "(m{1000}){1,1}m{1000}" .Message}}`, "the pattern is too complex for a text of 65536 bytes"},
		"join":       {`{{join .Message (until 9999)}}`, "join: more than 65536 bytes"},
		"repeat":     {`{{repeat 60000 .Message}}`, "repeat: more than 65536 bytes"},
		"indent":     {`{{repeat 1000 "\n" | indent 60000}}`, "indent: more than 65536 bytes"},
		"numbers":    {`{{until 1000000000}}`, "until: more than 10001 numbers"},
		"wide":       {`{{printf "%999999d%999999d" 1 1}}`, "printf: more than 65536 bytes"},
		"starred":    {`{{printf "%*d" 999999 1}}`, "printf: more than 65536 bytes"},
		"wide list":  {`{{printf "%9999v" (until 9999)}}`, "printf: more than 65536 bytes"},
		"many verbs": {`{{printf (repeat 10000 "%[1]v") .Message}}`, "printf: more than 65536 bytes"},
		"many words": {`{{range splitList "" .Message}}{{.}}{{end}}{{range splitList "" .Message}}{{.}}{{end}}`, "more than "},
		"zone":       {`{{date .Message "no zone" .Time}}`, "unknown time zone"},
		"no list":    {`{{join "," .Subject}}`, "join: expected a list, got a text: write join SEPARATOR LIST"},
		"arguments":  {`{{toUpper "a" "b"}}`, "toUpper: expected 1 arguments, got 2: write toUpper TEXT"},
		"work":       {`{{range 5000}}{{if hasPrefix "x" $.Message}}{{end}}{{end}}`, "more than 4194304 bytes for its functions"},
		"panic":      {`{{uniq (list (list 1) (list 1))}}`, "uniq: "},
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
			start, before := time.Now(), allocated()
			if got, want := r.Text(huge()), render.Text(huge()); got != want {
				t.Errorf("got %.100q, want the default text", got)
			}
			if took := time.Since(start); took > time.Minute {
				t.Errorf("took %s", took)
			}
			if bytes := allocated() - before; bytes > 1<<30 {
				t.Errorf("allocated %d bytes", bytes)
			}
			slow := strings.Contains(log.String(), "more than 500ms")
			if r.Failures() != 1 || !slow && !strings.Contains(log.String(), c.why) {
				t.Errorf("%d failures, want 1 because of %q; log %s", r.Failures(), c.why, log.String())
			}
		})
	}
}

// allocated is how many bytes the test has allocated since its start.
func allocated() uint64 {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.TotalAlloc
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

// TestATemplateMayPrintUnderAConditionOnly has conditions that only a
// notification with certain words meets.
func TestATemplateMayPrintUnderAConditionOnly(t *testing.T) {
	for _, template := range []string{
		`{{if eq .Labels.env "prod"}}{{.Subject}}{{end}}`, `{{if hasPrefix "web-" .Host}}{{.Subject}}{{end}}`,
		`{{range .Alerts}}{{with .Annotations.image}}{{.}}{{end}}{{end}}`, `{{.Header "X-Room"}}`, `{{.Data.pull_request.title}}{{.Data.title}}`,
	} {
		c := settings()
		c.Template = template
		if errs := c.Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", template, errs)
		}
	}
}

// TestTemplatesCompareTextsAsTheyCame has texts that are escaped when they are
// shown: a nickname, and what would be styled.
func TestTemplatesCompareTextsAsTheyCame(t *testing.T) {
	c := settings()
	c.Mention = []string{"alice"}
	c.Template = `{{if eq .Labels.owner "alice"}}hers{{end}} {{match "^alice$" .Labels.owner}} {{hasPrefix "*" .Subject}} {{has "alice" (list .Labels.owner)}} {{toJson .Labels.owner | len}}`
	e := envelope.Envelope{Subject: "*x*", Labels: map[string]string{"owner": "alice"}}
	if got, want := newRenderer(t, c).Text(e), "hers true true true 10"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTemplatesAreCheckedAtTheStart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "template")
	if err := os.WriteFile(file, []byte("{{.Nope}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*render.Config){
		"TEMPLATE: line 1: unclosed action":                                                                      func(c *render.Config) { c.Template = "{{.Subject" },
		`TEMPLATE: line 2: there is no function env: see docs/templates.md`:                                      func(c *render.Config) { c.Template = "x\n{{env `HOME`}}" },
		`TEMPLATE: line 1: there is no function toUper; did you mean toUpper?`:                                   func(c *render.Config) { c.Template = `{{toUper .Subject}}` },
		`TEMPLATE: line 1: a notification has no member .Nope: see`:                                              func(c *render.Config) { c.Template = `{{.Subject}}{{if .Labels.seldom}}{{.Nope}}{{end}}` },
		`TEMPLATE: line 1: a notification has no member .Sbuject; did you mean .Subject?`:                        func(c *render.Config) { c.Template = `{{.Sbuject}}` },
		`TEMPLATE: line 1: a notification has no member .Hosts; did you mean .Host?`:                             func(c *render.Config) { c.Template = `{{range .Links}}{{$.Hosts}}{{end}}` },
		`TEMPLATE: line 1: {{.Url}}: a link has no member .Url; did you mean .URL?, for the sample "everything"`: func(c *render.Config) { c.Template = `x{{range .Links}}{{.Url}}{{end}}` },
		`TEMPLATE: line 1: {{.Label.x}}: a notification has no member .Label; did you mean .Labels?`:             func(c *render.Config) { c.Template = `x{{range .Alerts}}{{.Label.x}}{{end}}` },
		`TEMPLATE: line 1: there is no template "slack.title": define it`:                                        func(c *render.Config) { c.Template = `{{if .Firing}}x{{else}}{{template "slack.title" .}}{{end}}` },
		`TEMPLATE: prints nothing: end what has a condition`:                                                     func(c *render.Config) { c.Template = `{{$x := .Subject}} {{if false}}x{{end}}` },
		`TEMPLATE: prints nothing, it only defines templates: add {{template "a" .}}`:                            func(c *render.Config) { c.Template = `{{define "a"}}x{{end}}` },
		`TEMPLATE_FILE: line 1: a notification has no member .Nope`:                                              func(c *render.Config) { c.TemplateFile = file },
		`TEMPLATE and TEMPLATE_FILE are both set`:                                                                func(c *render.Config) { c.Template, c.TemplateFile = "x", file },
		`TEMPLATE_FILE="/none": no such file`:                                                                    func(c *render.Config) { c.TemplateFile = "/none" },
		`TEXT_STYLE="loud": use plain, styled or payara`:                                                         func(c *render.Config) { c.Style = "loud" },
		`TEXT_MAX_LINES=0: use 1 to 500`:                                                                         func(c *render.Config) { c.MaxLines = 0 },
		`TEXT_MAX_BYTES=1: use 200 to 60000`:                                                                     func(c *render.Config) { c.MaxBytes = 1 },
		`MENTION: " " is no nickname`:                                                                            func(c *render.Config) { c.Mention = []string{" "} },
		`MENTION_SEVERITY="": use debug`:                                                                         func(c *render.Config) { c.MentionSeverity = "" },
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

// TestTemplatesRunSideBySide has the goroutines of many sources.
func TestTemplatesRunSideBySide(t *testing.T) {
	c := settings()
	c.Template = `{{range .Alerts}}{{.Subject | toUpper}}{{end}} {{join "," (until 50)}}`
	r := newRenderer(t, c)
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			for j := range 50 {
				name := fmt.Sprintf("n%d-%d", i, j)
				if got := r.Text(envelope.Envelope{Subject: name}); !strings.HasPrefix(got, strings.ToUpper(name)+" 0,1,2") {
					t.Errorf("%s gave %q", name, got)
				}
			}
		})
	}
	running.Wait()
}
