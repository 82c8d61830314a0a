package render

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/functions"
)

var updateDocs = flag.Bool("update-docs", false, "write the table of functions into docs/templates.md") //nolint:gochecknoglobals // a flag of the test

const (
	docs  = "../docs/templates.md"
	begin = "<!-- functions: begin -->\n"
	end   = "<!-- functions: end -->"
)

// TestDocsListTheFunctions holds the tables of docs/templates.md against what
// templates can call, and looks for all members there.
func TestDocsListTheFunctions(t *testing.T) {
	page, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(page), begin)
	table, tail, found := strings.Cut(rest, end)
	switch want := functionTables(); {
	case !found:
		t.Fatalf("%s has no place for the functions", docs)
	case *updateDocs:
		if err := os.WriteFile(docs, []byte(head+begin+want+end+tail), 0o600); err != nil {
			t.Fatal(err)
		}
	case table != want:
		t.Errorf("%s is out of date: run go test ./render -run TestDocs -update-docs; want\n%s", docs, want)
	}
	for member := range reflect.TypeFor[notification]().Methods() {
		if member.Name != "String" && !strings.Contains(head, "`."+member.Name) {
			t.Errorf("%s does not name the member .%s", docs, member.Name)
		}
	}
}

func functionTables() string {
	var b strings.Builder
	for _, group := range functions.Groups(Config{}.environment()) {
		fmt.Fprintf(&b, "| %s | |\n|---|---|\n", group.Title)
		for _, f := range group.Functions {
			use := strings.TrimSpace(f.Name + " " + f.Args)
			if len(f.Aliases) > 0 {
				use += "` (`" + strings.Join(f.Aliases, "`, `") + "`)"
			} else {
				use += "`"
			}
			fmt.Fprintf(&b, "| `%s | %s |\n", use, f.Does)
		}
		b.WriteString("\n")
	}
	return b.String()
}
