package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// offered is what the program would complete: cobra's scripts ask it for that.
func offered(t *testing.T, line string) []string {
	t.Helper()
	code, out, errs := invoke(t, "", append([]string{"__completeNoDesc"}, strings.Split(line, " ")...)...)
	if code != exitOK {
		t.Fatalf("%q: code %d, %s", line, code, errs)
	}
	words := strings.Fields(out)
	return words[:len(words)-1] // the last one is a directive for the script
}

func TestShellsCompleteCommandsAndFlags(t *testing.T) {
	for line, want := range map[string]string{
		"sen":              "send",
		"re":               "render replay",
		"send --s":         "--severity --source --subject",
		"replay s":         "send show",
		"replay list --d":  "--delete --dry-run",
		"replay --source ": "kafka nats nats-core",
		"replay --reason ": "decode rejected retries too_large",
		"init --c":         "--create",
		"completion ":      "bash fish powershell zsh",
		"help ver":         "version",
		"render --h":       "--header --help",
	} {
		got := offered(t, line)
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestEveryShellGetsAScript(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, errs := invoke(t, "", "completion", shell)
		if code != exitOK || !strings.Contains(script, "__complete") {
			t.Errorf("%s: code %d, %s", shell, code, errs)
		}
		if shell != "bash" {
			continue
		}
		check := exec.CommandContext(t.Context(), "bash", "-n")
		check.Stdin = strings.NewReader(script)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("bash does not take the script: %v\n%s", err, out)
		}
	}
	if code, _, errs := invoke(t, "", "completion", "csh"); code != exitUsage || !strings.Contains(errs, `["csh"]: name one shell`) {
		t.Errorf("code %d, %s", code, errs)
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range newRootCommand(nil, nil, nil).Commands() {
		if c.Name() == "settings" {
			continue // a topic
		}
		for _, args := range [][]string{{"help", c.Name()}, {c.Name(), "--help"}, {c.Name(), "-h"}, {c.Name(), "-help"}} {
			code, out, errs := invoke(t, "", args...)
			if code != exitOK || !strings.Contains(out, "Usage:\n  xmpp-notifier "+c.Name()) {
				t.Errorf("%v: code %d, %s%s", args, code, out, errs)
			}
		}
	}
	if code, _, errs := invoke(t, "", "help", "dance"); code != exitUsage || !strings.Contains(errs, `unknown command "dance"`) {
		t.Errorf("code %d, %s", code, errs)
	}
}

func TestLongFlagsTakeOneDashAsWell(t *testing.T) {
	code, out, errs := invoke(t, "hello", "render", "-header", "X-Kind: greeting", "-")
	if code != exitOK || !strings.Contains(out, "hello") {
		t.Errorf("code %d, %s%s", code, out, errs)
	}
	if code, _, errs := invoke(t, "", "check", "--rond-trip"); code != exitUsage || !strings.Contains(errs, "unknown flag: --rond-trip\nSee: xmpp-notifier check --help") {
		t.Errorf("code %d, %s", code, errs)
	}
}
