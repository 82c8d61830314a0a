package envelope

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestDocsShowTheTables holds the tables of docs/formats.md against those of the
// code. After a change: go test ./envelope -update.
func TestDocsShowTheTables(t *testing.T) {
	const file = "../docs/formats.md"
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(content)
	for name, table := range map[string]string{"severities": severityTable(), "scales": scaleTable(), "meanings": meaningTable()} {
		text = replaceBlock(t, text, name, table)
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if text != string(content) {
		t.Errorf("%s is out of date: run go test ./envelope -update", file)
	}
}

// replaceBlock puts a table between the marks of that name.
func replaceBlock(t *testing.T, text, name, table string) string {
	t.Helper()
	first, last := "<!-- "+name+", made by go test ./envelope -update -->\n", "<!-- end -->"
	before, rest, found := strings.Cut(text, first)
	_, after, ends := strings.Cut(rest, last)
	if !found || !ends {
		t.Fatalf("no marks for %s", name)
	}
	return before + first + table + last + after
}

func severityTable() string {
	var b strings.Builder
	b.WriteString("| shown as | number | words |\n|---|---|---|\n")
	for _, line := range vocabulary {
		shown := strings.ToUpper(line.severity.String())
		if line.severity == Unspecified {
			shown = "–"
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", shown, line.severity, line.words)
	}
	return b.String()
}

func scaleTable() string {
	var b strings.Builder
	b.WriteString("| numbers of | in | if there is one of | from … on |\n|---|---|---|---|\n")
	for _, s := range scales {
		var steps []string
		for _, step := range s.steps {
			if step.severity != Unspecified {
				steps = append(steps, fmt.Sprintf("%d %v", step.least, step.severity))
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.what, s.paths, s.with, strings.Join(steps, ", "))
	}
	return b.String()
}

func meaningTable() string {
	var b strings.Builder
	b.WriteString("| meaning | names, the best first |\n|---|---|\n")
	for _, m := range meanings {
		fmt.Fprintf(&b, "| %s | %s |\n", m.what, strings.Join(strings.Fields(m.names), ", "))
	}
	return b.String()
}
