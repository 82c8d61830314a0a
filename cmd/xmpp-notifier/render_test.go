package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRenderShowsTextStanzaAndFormat(t *testing.T) {
	for name, c := range map[string]struct {
		env         map[string]string
		args        []string
		stdin, want string
	}{
		"native": {
			nil,
			[]string{"-"},
			`{"severity":"error","subject":"a < b"}`,
			"-: format native: it has the member subject\n\n🟠 ERROR a < b\n\n" +
				"<message to='room@conference.example.org' type='groupchat' id='…'><body>🟠 ERROR a &lt; b</body></message>\n",
		},
		"headers": {
			nil,
			[]string{"-H", "ce_specversion: 1.0", "-H", "ce_id: 1", "-H", "ce_source: /s", "-H", "ce_type: t", "-"},
			"words",
			"-: format cloudevents: header ce_specversion is there\n\nt\nwords\n— /s\n",
		},
		"several": {
			nil,
			[]string{"-"},
			`[{"specversion":"1.0","id":"1","source":"/s","type":"a"},{"specversion":"1.0","id":"2","source":"/s","type":"b"}]`,
			"\nnotification 2 of 2\n\nb\n— /s\n",
		},
		"many": {
			map[string]string{"GROUP_ABOVE": "2"},
			[]string{"-"},
			`[{"specversion":"1.0","id":"1","source":"/s","type":"a"},{"specversion":"1.0","id":"2","source":"/s","type":"b"}]`,
			"\n2 notifications in one post, see GROUP_ABOVE\n\n/s: 2 notifications\n• a\n• b\n— /s\n",
		},
		"filtered": {
			map[string]string{"MIN_SEVERITY": "WARNING"},
			[]string{"-"},
			`{"severity":"info","subject":"s"}`,
			"not shown in the room: severity\n",
		},
		"payload": {
			map[string]string{"PAYLOAD": "true"},
			[]string{"-"},
			`{"id":"7","subject":"s"}`,
			"</body><notification xmlns='urn:xmpp-notifier:notification:1' id='7'/></message>\n",
		},
		"template": {map[string]string{"TEMPLATE": "<<{{.Subject}}>>"}, []string{"-"}, `{"subject":"s"}`, "\n<<s>>\n"},
		"map": {
			map[string]string{"MAP": "empty"},
			[]string{"--map", "../../docs/maps/uptime-kuma.jq", "--topic", "kuma", "-"},
			`{"heartbeat":{"status":0,"msg":"timeout"},"monitor":{"id":1,"name":"Shop","url":"https://shop.example.org"}}`,
			"-: format map: MAP makes 1 of it\n\n🔴 CRITICAL Shop is down\ntimeout\n",
		},
		"mapped to nothing": {map[string]string{"MAP": "empty"}, []string{"-"}, `{"subject":"s"}`, "not shown in the room: map\n"},
		"pinned":            {map[string]string{"ENVELOPE_FORMAT": "text"}, []string{"-"}, `{"subject":"s"}`, "-: format text: set by ENVELOPE_FORMAT\n"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			code, out, errs := invoke(t, c.stdin, append([]string{"render"}, c.args...)...)
			if code != exitOK || !strings.Contains(out, c.want) {
				t.Errorf("code %d\n%s%s", code, out, errs)
			}
		})
	}
}

func TestRenderReadsAllFilesAndNamesTheBadOnes(t *testing.T) {
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	for file, content := range map[string]string{good: "shown", bad: `{"subject":null}`} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	code, out, errs := invoke(t, "", "render", bad, filepath.Join(dir, "none"), good)
	if code != exitFailed || !strings.Contains(out, "\nshown\n") {
		t.Errorf("code %d, %s", code, out)
	}
	for _, want := range []string{bad + ": does not decode and would go to the dead letters: json: nothing to show: its members are subject", "none: no such file"} {
		if !strings.Contains(errs, want) {
			t.Errorf("%q is missing in %s", want, errs)
		}
	}
}

func TestRenderExplainsMistakes(t *testing.T) {
	for want, args := range map[string][]string{
		"See: xmpp-notifier render --help":    {},
		"write it like 'ce_type: org.example": {"-H", "nothing", "-"},
	} {
		if code, _, errs := invoke(t, "", append([]string{"render"}, args...)...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
	}
	if code, _, errs := invoke(t, strings.Repeat("x", maxFile+1), "render", "-"); code != exitFailed || !strings.Contains(errs, "longer than 16777216 bytes") {
		t.Errorf("code %d, %s", code, errs)
	}
	t.Setenv("TEMPLATE", "{{.Nope}}")
	t.Setenv("MATCH", "team=\"")
	code, _, errs := invoke(t, "", "render", "-")
	if code != exitUsage || !strings.Contains(errs, "TEMPLATE: line 1: a notification has no member .Nope") || !strings.Contains(errs, "MATCH: rule") {
		t.Errorf("code %d, %s", code, errs)
	}
}
