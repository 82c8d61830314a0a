package render_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// webhook is an alert as Alertmanager sends it, with what Grafana adds.
const webhook = `{
	"version": "4", "groupKey": "{}:{alertname=\"HighLatency\"}", "receiver": "team-x", "status": "firing", "truncatedAlerts": 0,
	"externalURL": "https://alertmanager.example.org",
	"groupLabels": {"alertname": "HighLatency"},
	"commonLabels": {"alertname": "HighLatency", "severity": "critical", "team": "pay"},
	"commonAnnotations": {"summary": "Latency is high", "runbook_url": "https://wiki.example.org/latency"},
	"alerts": [{
		"status": "firing", "fingerprint": "c6eadffa33fcdf37", "startsAt": "2026-03-29T11:05:00Z", "endsAt": "0001-01-01T00:00:00Z",
		"labels": {"alertname": "HighLatency", "severity": "critical", "team": "pay", "instance": "pay-1:9100"},
		"annotations": {"summary": "Latency is high", "description": "p99 is at 2.4 s", "runbook_url": "https://wiki.example.org/latency"},
		"generatorURL": "https://prometheus.example.org/graph",
		"silenceURL": "https://grafana.example.org/silence/new", "dashboardURL": "https://grafana.example.org/d/1",
		"panelURL": "https://grafana.example.org/d/1?viewPanel=2",
		"values": {"B": 44.23943737541908, "C": 1}, "valueString": "[ var='B' value=44.2 ]"
	}]
}`

// known are templates in the manner of the documentation of Alertmanager,
// Grafana and Helm, and what they give: a text, or an error that names what is
// missing.
func known() map[string]struct{ template, want string } {
	return map[string]struct{ template, want string }{
		"alertmanager: default subject": {
			`{{ define "__subject" }}[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] {{ .GroupLabels.SortedPairs.Values | join " " }} {{ if gt (len .CommonLabels) (len .GroupLabels) }}({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}{{ end }}{{ template "__subject" . }}`,
			"[FIRING:1] HighLatency (critical pay)",
		},
		"alertmanager: list of alerts": {
			`{{ define "__text_alert_list" }}{{ range . }}Labels:
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Source: {{ .GeneratorURL }}
{{ end }}{{ end }}{{ if gt (len .Alerts.Firing) 0 -}}
Alerts Firing:
{{ template "__text_alert_list" .Alerts.Firing }}
{{- end }}
{{ if gt (len .Alerts.Resolved) 0 -}}
Alerts Resolved:
{{ template "__text_alert_list" .Alerts.Resolved }}
{{- end }}`,
			"Alerts Firing:\nLabels:\n - alertname = HighLatency\n - instance = pay-1:9100\n - severity = critical\n - team = pay\nSource: https://prometheus.example.org/graph",
		},
		"alertmanager: address": {
			`{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}`,
			"https://alertmanager.example.org/#/alerts?receiver=team-x",
		},
		"alertmanager: slack text": {
			"{{ range .Alerts }}*Alert:* {{ .Annotations.summary }} - `{{ .Labels.severity }}`\n*Description:* {{ .Annotations.description }}\n*Graph:* <{{ .GeneratorURL }}|:chart:>\n{{ end }}",
			"*Alert:* Latency is high - `critical`\n*Description:* p99 is at 2.4 s\n*Graph:* <https://prometheus.example.org/graph|:chart:>",
		},
		"alertmanager: runbook of each alert": {
			`{{ range .Alerts }}{{ .Annotations.summary }}{{ with .Annotations.runbook_url }} ({{ . }}){{ end }}{{ with .Annotations.owner }} owner {{ . }}{{ end }}{{ end }}`,
			"Latency is high (https://wiki.example.org/latency)",
		},
		"alertmanager: labels that an alert may lack": {
			`{{ .CommonLabels.alertname }} in {{ .CommonLabels.cluster }}{{ .CommonLabels.cluster | toUpper }}.`, "HighLatency in .",
		},
		"alertmanager: patterns": {
			`{{ if match "^High" .CommonLabels.alertname }}{{ reReplaceAll "(.*):(.*)" "$1 port $2" .Labels.instance }}{{ end }}`, "pay-1 port 9100",
		},
		"alertmanager: all but some labels": {
			`{{ (.CommonLabels.Remove (stringSlice "severity" "team")).SortedPairs }} {{ .CommonLabels.Names.Join "," }}`,
			"alertname=HighLatency alertname,severity,team",
		},
		"alertmanager: times": {
			`{{ range .Alerts }}{{ .StartsAt.Format "15:04:05 MST" }} {{ .StartsAt | tz "Europe/Paris" | date "15:04:05 MST" }} {{ .EndsAt.IsZero }}{{ end }}`,
			"11:05:00 UTC 13:05:00 CEST true",
		},
		"alertmanager: durations": {
			`{{ humanizeDuration 3725 }} {{ humanizeDuration (since .StartsAt .StartsAt) }} {{ .Status | title }} {{ trimSpace "  x " }}`, "1h 2m 5s 0s Firing x",
		},
		"grafana: summary": {
			`{{ define "alerts.summarize" -}}
{{ range . -}}
- {{ index .Annotations "summary" }}
{{ end }}
{{- end }}
{{ define "alerts.message" -}}
{{ if .Alerts.Firing -}}
{{ len .Alerts.Firing }} firing alert(s)
{{ template "alerts.summarize" .Alerts.Firing }}
{{- end }}
{{- if .Alerts.Resolved -}}
{{ len .Alerts.Resolved }} resolved alert(s)
{{ template "alerts.summarize" .Alerts.Resolved }}
{{- end }}
{{- end }}{{ template "alerts.message" . }}`,
			"1 firing alert(s)\n- Latency is high",
		},
		"grafana: title": {
			`{{ define "email.subject" }}{{ len .Alerts.Firing }} firing alerts, {{ len .Alerts.Resolved }} resolved alerts{{ end }}{{ template "email.subject" . }}`,
			"1 firing alerts, 0 resolved alerts",
		},
		"grafana: values": {
			`{{ range .Alerts }}{{ range $k, $v := .Values }}{{ $k }}={{ printf "%.2f" $v }} {{ end }}{{ .ValueString }}{{ end }}`,
			"B=44.24 C=1.00 [ var='B' value=44.2 ]",
		},
		"grafana: one value": {
			`{{ range .Alerts }}B is {{ printf "%v" .Values.B }}, {{ .Values.B }}{{ end }}`,
			"B is 44.23943737541908, 44.23943737541908",
		},
		"grafana: links": {
			`{{ range .Alerts }}{{ if gt (len .SilenceURL) 0 }}Silence: {{ .SilenceURL }}{{ end }}
{{ if gt (len .PanelURL) 0 }}Panel: {{ .PanelURL }}{{ end }}{{ if .ImageURL }}{{ .ImageURL }}{{ end }}{{ end }}`,
			"Silence: https://grafana.example.org/silence/new\nPanel: https://grafana.example.org/d/1?viewPanel=2",
		},
		"grafana: labels but the private ones": {
			`{{ range .Labels.SortedPairs }}{{ if ne .Name "alertname" }}{{ .Name }}: {{ .Value }}; {{ end }}{{ end }}`,
			"instance: pay-1:9100; severity: critical; team: pay;",
		},
		"grafana: a namespace of functions": {`{{ coll.Dict "a" 1 }}`, "line 1: there is no function coll"},
		"grafana: a template from elsewhere": {
			`{{ if .Alerts.Firing }}x{{ else }}{{ template "default.title" . }}{{ end }}`, `line 1: there is no template "default.title": define it`,
		},
		"helm: defaults and quotes": {
			`{{ .Labels.owner | default "nobody" | quote }} {{ coalesce .Labels.owner .Labels.team "x" | upper }} {{ ternary "yes" "no" .Firing }}`,
			`"nobody" PAY yes`,
		},
		"helm: text": {
			`{{ .Labels.instance | trunc 5 | trimSuffix "-" }} {{ repeat 3 "ab" }} {{ "a-b" | replace "-" "_" | title }} {{ contains "pay" .Host }} {{ nospace "a b" }}{{ "x" | indent 2 }}`,
			"pay-1 ababab A_b true ab  x",
		},
		"helm: lists and maps": {
			`{{ $l := list "c" "a" "b" }}{{ $l = append $l "d" }}{{ $l | sortAlpha | join "," }} {{ $d := dict "k" "v" }}{{ get $d "k" }}{{ hasKey $d "z" }} {{ (split ":" .Labels.instance)._1 }} {{ index (splitList ":" .Labels.instance) 0 }} {{ has "a" $l }} {{ first $l }} {{ keys $d }}`,
			"a,b,c,d vfalse 9100 pay-1 true c [k]",
		},
		"helm: numbers": {
			`{{ add 1 2 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ divf 7 2 }} {{ mod 7 2 }} {{ round 3.14159 2 }} {{ max 1 3 2 }} {{ "42" | int | add1 }} {{ until 3 }} {{ floor 1.9 }}`,
			"3 3 6 3 3.5 1 3.14 3 43 [0 1 2] 1",
		},
		"helm: JSON": {
			`{{ dict "a" (list 1 2) | toJson }} {{ ("{\"n\": 7}" | fromJson).n }} {{ dig "a" "b" "none" (dict "a" (dict "b" "found")) }}`,
			`{"a":[1,2]} 7 found`,
		},
		"helm: a value of a chart":       {`{{ .Values.image.tag }}{{ .Chart.Name }}`, "line 1: a notification has no member .Chart"},
		"helm: an included template":     {`{{ include "labels" . | nindent 4 }}`, "line 1: there is no function include"},
		"helm: a secret that is made":    {`{{ randAlphaNum 16 }}`, "line 1: there is no function randAlphaNum"},
		"helm: the environment":          {`{{ env "HOME" }}`, "line 1: there is no function env"},
		"helm: files":                    {`{{ .Files.Get "x" }}`, "line 1: a notification has no member .Files"},
		"prometheus: numbers for people": {`{{ 1024.0 | humanize1024 }}`, "line 1: there is no function humanize1024"},
	}
}

func TestKnownTemplates(t *testing.T) {
	e, err := envelope.Decode(envelope.Raw{Body: []byte(webhook)})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range known() {
		t.Run(name, func(t *testing.T) {
			settings := settings()
			settings.Template = c.template
			if errs := settings.Validate(); len(errs) > 0 {
				if got := fmt.Sprint(errs); !strings.Contains(got, c.want) {
					t.Errorf("got %s, want %s", got, c.want)
				}
				return
			}
			r := newRenderer(t, settings)
			if got := shown(r.Text(e)); got != c.want || r.Failures() > 0 {
				t.Errorf("%d failures, got\n%s\nwant\n%s", r.Failures(), got, c.want)
			}
		})
	}
}

// TestLoopsEndWhereTextTemplateEndsThem has the ways out of loops.
func TestLoopsEndWhereTextTemplateEndsThem(t *testing.T) {
	for template, want := range map[string]string{
		`{{range 3}}{{range 0}}{{else}}{{break}}{{end}}x{{end}}`:                                       "xxx",
		`{{range 5}}{{if eq . 3}}{{break}}{{end}}{{if eq . 1}}{{continue}}{{end}}{{.}}{{end}}`:         "02",
		`{{define "a"}}{{range 3}}{{break}}{{end}}a{{end}}{{range 200}}{{template "a"}}{{end}}`:        strings.Repeat("a", 200),
		`{{range $k, $v := dict "b" 2 "a" 1}}{{$k}}{{$v}}{{end}}{{with 0}}{{else with 1}}{{.}}{{end}}`: "a1b21",
	} {
		if got := byTemplate(t, template, envelope.Envelope{Subject: "s"}); got != want {
			t.Errorf("%s: got %q, want %q", template, got, want)
		}
	}
}

// TestNumbersAreNumbers has what a publisher writes once as 5 and once as 5.0.
func TestNumbersAreNumbers(t *testing.T) {
	for template, want := range map[string]string{
		`{{if eq .Data.code 500}}yes{{end}} {{eq .Data.code 500.0}} {{eq .Data.code "500"}} {{eq .Data.text 7}}`:                   "yes true true true",
		`{{printf "%.1f %.1f" .Data.used .Data.whole}} {{printf "%d %5d|%s" .Data.whole .Data.float .Data.code}}`:                  "0.9 5.0 5     4|500",
		`{{printf "%*d|%-*s|" 6 .Data.code 8 "x"}} {{printf "%05d" .Data.code}} {{printf "%1200d" 1 | len}}`:                       "   500|x       | 00500 1200",
		`{{.Data.large}} {{.Data.float}} {{.Data.id}} {{gt .Data.used 0.5}} {{lt .Data.code 1000}} {{gt .Data.absent 1}}`:          "123456789.5 4 9007199254740993 true true false",
		`{{add .Data.code 1}} {{mul .Data.used 100 | printf "%.0f %%"}} {{len .Data.list}} {{index .Data.list 1}} {{.Data.none}}.`: "501 90 % 2 b .",
		`{{.Data.absent.more.still}}{{(index .Data.list 9).x}}{{with .Data.absent}}no{{else}}none{{end}}`:                          "none",
		`{{since .Data.time .Time}}|{{date "15:04" .Expiry}}|{{date "15:04" .Data.time}}|{{.Expiry}}|{{since .Expiry}}`:            "|||",
	} {
		e := envelope.Envelope{
			Subject: "s",
			Data:    []byte(`{"code":500,"text":"7","used":0.9,"whole":5,"float":4.0,"large":123456789.5,"id":9007199254740993,"list":["a","b"],"none":null}`),
		}
		if got := strings.TrimSpace(byTemplate(t, "."+template, e)); got != "."+want && got != "."+want+"|" {
			t.Errorf("%s\n got %q\nwant %q", template, got, "."+want)
		}
	}
}
