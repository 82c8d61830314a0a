package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestBashCompletes asks bash what it would offer.
func TestBashCompletes(t *testing.T) {
	code, script, errs := invoke(t, "", "completion", "bash")
	if code != exitOK {
		t.Fatalf("code %d, %s", code, errs)
	}
	for line, want := range map[string]string{
		"xmpp-notifier sen":                  "send",
		"xmpp-notifier re":                   "replay render",
		"xmpp-notifier send -s":              "-subject -severity -source",
		"xmpp-notifier replay s":             "show send",
		"xmpp-notifier replay list -":        "-dry-run -delete -source -id -reason -since -until -limit",
		"xmpp-notifier init -":               "--create",
		"xmpp-notifier completion ":          "bash zsh fish",
		"xmpp-notifier help ver":             "version",
		"xmpp-notifier render -":             "-H",
		"xmpp-notifier render no-flag-of-it": "",
	} {
		words := strings.Split(line, " ")
		command := exec.CommandContext(t.Context(), "bash", "--norc", "-c", script+`
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _xmpp_notifier; echo "${COMPREPLY[*]}"`, "bash")
		command.Args = append(command.Args, words...)
		out, err := command.CombinedOutput()
		if got := strings.TrimSpace(string(out)); got != want || err != nil {
			t.Errorf("%q: got %q, %v, want %q", line, got, err, want)
		}
	}
}

func TestEveryShellKnowsEveryCommand(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		code, script, errs := invoke(t, "", "completion", shell)
		if code != exitOK {
			t.Fatalf("code %d, %s", code, errs)
		}
		for _, c := range commands() {
			if !strings.Contains(script, c.name) || !strings.Contains(script, c.candidates()) {
				t.Errorf("%s does not know %s %s", shell, c.name, c.candidates())
			}
		}
	}
	if code, _, errs := invoke(t, "", "completion", "csh"); code != exitUsage || !strings.Contains(errs, "completion bash|zsh|fish") {
		t.Errorf("code %d, %s", code, errs)
	}
}

func TestEveryCommandHasHelp(t *testing.T) {
	for _, c := range commands() {
		for _, args := range [][]string{{"help", c.name}, {c.name, "--help"}, {c.name, "-h"}, {c.name, "-help"}} {
			code, out, errs := invoke(t, "", args...)
			if code != exitOK || !strings.Contains(out, c.summary) || !strings.Contains(out, "usage: xmpp-notifier "+c.name) {
				t.Errorf("%v: code %d, %s%s", args, code, out, errs)
			}
		}
	}
	if code, _, errs := invoke(t, "", "help", "dance"); code != exitUsage || !strings.Contains(errs, `unknown command "dance"`) {
		t.Errorf("code %d, %s", code, errs)
	}
}
