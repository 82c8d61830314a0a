package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

const operations = "../../docs/operations.md"

func readDocs(t *testing.T, file string) string {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// failures returns the rows of the failure table.
func failures(t *testing.T) [][]string {
	t.Helper()
	_, rest, _ := strings.Cut(readDocs(t, operations), "<!-- failures: begin -->")
	table, _, found := strings.Cut(rest, "<!-- failures: end -->")
	if !found {
		t.Fatal("the page has no failure table")
	}
	var rows [][]string
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if first := strings.TrimSpace(cells[0]); len(cells) == 1 || first == "symptom" || strings.HasPrefix(first, "---") {
			continue
		}
		if len(cells) != 5 {
			t.Errorf("row with %d cells: %s", len(cells), line)
			continue
		}
		rows = append(rows, cells)
	}
	return rows
}

var quotedInDocs = regexp.MustCompile("`([^`]+)`")

// TestFailureTableQuotesTheProgram holds the words of the log, the metrics and
// their labels in the failure table against those that the program has.
func TestFailureTableQuotesTheProgram(t *testing.T) {
	said := strings.Join(literals(t), "\n")
	metrics := readDocs(t, "../../docs/metrics.md") // a test holds that against /metrics
	rows := failures(t)
	if len(rows) < 40 {
		t.Errorf("only %d rows", len(rows))
	}
	for _, row := range rows {
		for _, quoted := range quotedInDocs.FindAllStringSubmatch(row[2], -1) {
			if !strings.Contains(said, quoted[1]) {
				t.Errorf("the program never says %q", quoted[1])
			}
		}
		for _, quoted := range quotedInDocs.FindAllStringSubmatch(row[1], -1) {
			checkMetric(t, metrics, quoted[1])
		}
		for _, cell := range row {
			if strings.TrimSpace(cell) == "" && (cell == row[0] || cell == row[3] || cell == row[4]) {
				t.Errorf("row without symptom, cause or fix: %q", row)
			}
		}
	}
}

// checkMetric looks a metric up, and the value of its label if one is named.
func checkMetric(t *testing.T, metrics, quoted string) {
	t.Helper()
	name, label, labelled := strings.Cut(quoted, "{")
	if name == "" {
		return // more values of the metric before it
	}
	_, row, found := strings.Cut(metrics, "| `"+name+"` |")
	row, _, _ = strings.Cut(row, "\n")
	switch key, value, _ := strings.Cut(strings.TrimSuffix(label, "}"), "="); {
	case !found:
		t.Errorf("there is no metric %q", name)
	case labelled && !strings.Contains(row, "`"+key+"`"):
		t.Errorf("metric %q has no label %q", name, key)
	case labelled && key != "condition" && !regexp.MustCompile(`\b`+strings.Trim(value, `"`)+`\b`).MatchString(row):
		t.Errorf("metric %q never has %s", name, label)
	}
}

// TestOperationsNameRealSettings looks for variables that there are not, and for
// commands.
func TestOperationsNameRealSettings(t *testing.T) {
	var s settings
	var names []string
	for _, group := range s.groups(true) {
		for _, setting := range config.Describe(group) {
			names = append(names, setting.Name, setting.Name+"_FILE")
		}
	}
	page := readDocs(t, operations)
	for _, name := range regexp.MustCompile(`\b(?:XMPP|NATS|KAFKA|TEXT|ENVELOPE|ALERTMANAGER|MIN|SHUTDOWN|ADMIN|OTEL)_[A-Z_]+\b`).FindAllString(page, -1) {
		if !slices.Contains(names, name) {
			t.Errorf("there is no setting %s", name)
		}
	}
	for _, match := range regexp.MustCompile("`xmpp-notifier ([a-z]+)").FindAllStringSubmatch(page, -1) {
		if c, _, err := newRootCommand(nil, nil, nil).Find(match[1:]); err != nil || c.Name() != match[1] {
			t.Errorf("there is no command %s", match[1])
		}
	}
}

// literals returns the texts in the code of the program.
func literals(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, dir := range []string{"cmd/xmpp-notifier", "render", "sink", "sources", "telemetry", "worker"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "sinktest") || strings.Contains(path, "sourcetest") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil {
						list = append(list, text)
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// TestOperationsNameRealAlerts looks for alerts that there are not.
func TestOperationsNameRealAlerts(t *testing.T) {
	rules := readDocs(t, "../../deploy/prometheus/alerts.yml")
	for _, name := range regexp.MustCompile(`XMPPNotifier\w+`).FindAllString(readDocs(t, operations), -1) {
		if !strings.Contains(rules, "alert: "+name+"\n") {
			t.Errorf("there is no alert %s", name)
		}
	}
	for _, alert := range regexp.MustCompile(`alert: (\w+)`).FindAllStringSubmatch(rules, -1) {
		if !strings.Contains(readDocs(t, operations), "\n| `"+alert[1]+"` |") {
			t.Errorf("the table of alerts lacks %s", alert[1])
		}
	}
}

// TestMigratedSettingsAreValid loads the settings that the page shows for those
// who come from the ancestor, and shows one of Payara's events with them.
func TestMigratedSettingsAreValid(t *testing.T) {
	_, example, found := strings.Cut(readDocs(t, operations), "\nbecomes\n")
	if !found {
		t.Fatal("the page has no example")
	}
	for _, line := range regexp.MustCompile(`(?m)^    ([A-Z_]+)=(.+)$`).FindAllStringSubmatch(example, -1) {
		name, value := line[1], line[2]
		if strings.HasSuffix(name, "_FILE") {
			value = filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(value, []byte("secret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv(name, value)
	}
	code, out, errs := invoke(t, "", "config")
	table := strings.Join(strings.Fields(out), " ")
	if code != exitOK || !strings.Contains(table, "XMPP_ROOM server@conference.example.org environment") || strings.Contains(table, " ! ") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	event := `{"hostName":"h","serverName":"s","domainName":"d","instanceName":"i","subject":"Health","message":"m","level":"%s"}`
	for level, want := range map[string]string{"SEVERE": "Health. (host: h, server: s, domain: d, instance: i)\nm", "INFO": "not shown in the room: severity"} {
		code, out, errs := invoke(t, strings.Replace(event, "%s", level, 1), "render", "-")
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: code %d\n%s%s", level, code, out, errs)
		}
	}
}
