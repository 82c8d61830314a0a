package envelope_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// TestReadyPrograms runs every program of docs/maps over messages of its
// service, and over one that it does not know.
func TestReadyPrograms(t *testing.T) {
	samples := map[string][]string{
		"cloudwatch":        {"json-cloudwatch-sns"},
		"debezium":          {"json-debezium"},
		"github":            {"json-github-run", "json-github-issue", "json-github-push"},
		"gitlab":            {"json-gitlab-pipeline"},
		"kubernetes-events": {"json-k8s-event-core"},
		"pagerduty":         {"json-pagerduty-v3"},
		"sentry":            {"json-sentry-issue-alert", "json-sentry-legacy"},
		"stripe":            {"json-stripe"},
		"uptime-kuma":       {"json-uptime-kuma"},
	}
	programs, err := filepath.Glob("../docs/maps/*.jq")
	if err != nil || len(programs) < 8 {
		t.Fatalf("%d programs, want at least 8 (%v)", len(programs), err)
	}
	for _, file := range programs {
		name := strings.TrimSuffix(filepath.Base(file), ".jq")
		if len(samples[name]) == 0 {
			t.Errorf("%s: no sample", name)
		}
		c := envelope.Config{Format: "auto", MapFile: file}
		if errs := c.Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", name, errs)
			continue
		}
		decoder := newDecoder(c)
		for _, sample := range samples[name] {
			t.Run(name+"/"+sample, func(t *testing.T) {
				decoded, err := decoder.Decode(readSample(t, "testdata/samples/"+sample))
				if err != nil {
					t.Fatal(err)
				}
				compareGolden(t, model{Format: decoded.Format, Why: decoded.Why, Envelopes: decoded.Envelopes}, "testdata/maps/"+sample+".model.json")
			})
		}
		passes := "it knows nothing of this"
		decoded, err := decoder.Decode(envelope.Raw{Body: []byte(`{"subject":"` + passes + `"}`)})
		if err != nil || decoded.Envelopes[0].Subject != passes {
			t.Errorf("%s: what it does not know: %+v, %v", name, decoded, err)
		}
	}
}

func TestMapTurnsAMessageIntoAnyNumber(t *testing.T) {
	raw := envelope.Raw{
		Header: h("X-Env: prod"),
		Body:   []byte(`{"items":[{"n":"a"},{"n":"b"}]}`),
		From:   envelope.Place{Topic: "shop.orders", Key: []byte("k1")},
	}
	for program, want := range map[string]string{
		`.items[] | {subject: .n}`: "a,b",
		`empty`:                    "",
		`null`:                     "",
		`{subject: "\($topic) \($subject) \($key) \($headers["x-env"])"}`: "shop.orders shop.orders k1 prod",
		`"just text"`:                      "just text",
		`[{subject: "x"}, {subject: "y"}]`: "x,y",
		`.`:                                "shop.orders,shop.orders",
		`{alerts: [{labels: {alertname: "DiskFull"}}], receiver: "r"}`: "DiskFull",
	} {
		decoded, err := newDecoder(envelope.Config{Map: program}).Decode(raw)
		var got []string
		for _, e := range decoded.Envelopes {
			if e.Unmapped {
				continue
			}
			got = append(got, e.Subject+e.Message)
		}
		if err != nil || strings.Join(got, ",") != want {
			t.Errorf("%s: %q, %v; want %q", program, got, err, want)
		}
	}
}

func TestMapErrorsNameTheProgram(t *testing.T) {
	for program, want := range map[string]string{
		`.a | .[0] | .b`:                     `MAP: expected an array but got: object ({"b":1})`,
		`error("no such")`:                   "MAP: error: no such",
		`if .a then [range(1e9)] else . end`: "MAP: more than 500000 steps",
		`{severity: "error"}`:                "MAP: output 1: json: nothing to show: its members are severity",
		`7, {subject: "good"}`:               "MAP: output 1: expected an object or a text, got number 7",
	} {
		_, err := newDecoder(envelope.Config{Map: program}).Decode(envelope.Raw{Body: []byte(`{"a":{"b":1}}`)})
		if err == nil || err.Error() != want {
			t.Errorf("%s\n got: %v\nwant: %s", program, err, want)
		}
	}
	file := filepath.Join(t.TempDir(), "map.jq")
	if err := os.WriteFile(file, []byte("{subject: .a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]envelope.Config{
		"MAP: line 1: unexpected token \"b\": write a jq program, see docs/formats.md":  {Map: ".a b"},
		"MAP_FILE: line 1: unexpected EOF: write a jq program, see docs/formats.md":     {MapFile: file},
		"MAP and MAP_FILE are both set: remove one":                                     {Map: ".", MapFile: file},
		"MAP_FILE=\"/none\": no such file or directory: name a readable file":           {MapFile: "/none"},
		"MAP: it does not end on a usual message: more than 500000 steps":               {Map: "def f: f; f"},
		"MAP: function not defined: nothing/0: write a jq program, see docs/formats.md": {Map: "nothing"},
	} {
		c.Format = "auto"
		if errs := c.Validate(); len(errs) != 1 || errs[0].Error() != want {
			t.Errorf("got %v\nwant %s", errs, want)
		}
	}
}
