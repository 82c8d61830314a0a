package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

var update = flag.Bool("update", false, "write the tables of settings into docs/configuration.md") //nolint:gochecknoglobals // a flag of the test

// TestDocsListTheSettings holds the documentation against the settings.
func TestDocsListTheSettings(t *testing.T) {
	var all strings.Builder
	var s settings
	for _, g := range s.groups(true) {
		all.WriteString(settingsTable(g))
	}
	checkSection(t, "../../docs/configuration.md", "settings", all.String()+"\n")
}

// TestDocsNameNoOtherSettings finds names in the documentation that nothing
// reads.
func TestDocsNameNoOtherSettings(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	var s settings
	for _, g := range s.groups(true) {
		for _, setting := range config.Describe(g) {
			known[setting.Name], known[setting.Name+"_FILE"] = true, setting.Type == "secret"
		}
	}
	name := regexp.MustCompile(`\b(XMPP|NATS|KAFKA|TEXT|MENTION|TEMPLATE|ADMIN|OTEL|LOG|MIN|ENVELOPE)_[A-Z0-9_]*[A-Z0-9]\b`)
	for _, page := range append(pages, "../../README.md", "../../deploy/kubernetes/README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range name.FindAllString(string(text), -1) {
			if !known[found] {
				t.Errorf("%s: %s is no setting", page, found)
			}
		}
	}
}

// checkSection compares what is between the marks of a section in file, or
// writes it.
func checkSection(t *testing.T, file, section, want string) {
	t.Helper()
	begin, end := "<!-- "+section+": begin -->\n", "<!-- "+section+": end -->"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(page), begin)
	got, tail, found := strings.Cut(rest, end)
	switch {
	case !found:
		t.Errorf("%s has no place for the %s", file, section)
	case *update:
		if err := os.WriteFile(file, []byte(head+begin+want+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	case got != want:
		t.Errorf("%s is out of date: run go test ./cmd/xmpp-notifier -update", file)
	}
}

// settingsTable has everything about each setting.
func settingsTable(g config.Group) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| variable | type | default | meaning |\n|---|---|---|---|\n", title(g))
	for _, s := range config.Describe(g) {
		name := "`" + s.Name + "`"
		if s.Type == "secret" {
			name += " or `" + s.Name + "_FILE`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, s.Type, fallback(s), escape(s.Desc))
	}
	return b.String()
}

// title is the title without the file that it refers to.
func title(g config.Group) string {
	name, _, _ := strings.Cut(g.Title, ", see ")
	return name
}

func fallback(s config.Setting) string {
	if s.Required {
		return "required"
	}
	if s.Default == "" {
		return ""
	}
	return "`" + s.Default + "`"
}

func escape(text string) string {
	return strings.NewReplacer("|", "\\|", "<", "&lt;", ">", "&gt;").Replace(text)
}
