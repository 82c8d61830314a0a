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
)

// TestDocsListTheKeysOfTheLog holds docs/metrics.md against the calls of slog
// in the worker's packages.
func TestDocsListTheKeysOfTheLog(t *testing.T) {
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	_, logs, _ := strings.Cut(string(page), "\n## Logs\n")
	var documented []string
	for _, row := range regexp.MustCompile("(?m)^\\|([^|]*`[^|]*)\\|").FindAllStringSubmatch(logs, -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			documented = append(documented, name[1])
		}
	}
	used := loggedKeys(t)
	for key, place := range used {
		if !slices.Contains(documented, key) {
			t.Errorf("%s: the key %q is not in docs/metrics.md", place, key)
		}
	}
	for _, key := range documented {
		if used[key] == "" {
			t.Errorf("docs/metrics.md has the key %q, which nothing logs", key)
		}
	}
}

// loggedKeys returns the keys of the log, and where each is used.
func loggedKeys(t *testing.T) map[string]string {
	t.Helper()
	used := map[string]string{}
	for _, dir := range []string{"cmd/xmpp-notifier", "envelope", "filter", "ingest", "internal", "render", "sink", "sources", "telemetry", "worker"} {
		err := filepath.WalkDir(filepath.Join("../..", dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "sinktest") || strings.Contains(path, "sourcetest") {
				return err
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				for _, key := range keysOf(n) {
					used[key] = files.Position(n.Pos()).String()
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return used
}

// keysOf returns the keys of a call that logs, or that makes a logger with
// attributes.
func keysOf(n ast.Node) (keys []string) {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return nil
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	first := slices.Index([]string{"With", "Debug", "Info", "Warn", "Error"}, method.Sel.Name)
	if first = min(first, 1); first < 0 {
		return nil
	}
	for i := first; i+1 < len(call.Args); i += 2 {
		if literal, ok := call.Args[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if key, err := strconv.Unquote(literal.Value); err == nil {
				keys = append(keys, key)
			}
		}
	}
	return keys
}
