//go:build mutants

package sim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// mostSeeds is how many seeds a mutant may survive.
const mostSeeds = 20_000

// TestMutants plants every mutant of the list, and lets the simulator look for it.
// SIM_MUTANT=word takes those whose name has it.
func TestMutants(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	var rows strings.Builder
	for _, m := range mutants() {
		if !strings.Contains(m.name, os.Getenv("SIM_MUTANT")) {
			continue
		}
		seeds, how, err := m.hunt(t, root)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		t.Logf("%s: seed %s: %s", m.name, seeds, how)
		fmt.Fprintf(&rows, "| %s | `%s` | %s | %s |\n", m.name, m.dir, seeds, how)
	}
	if name := os.Getenv("SIM_TABLE"); name != "" {
		writeTable(t, name, rows.String())
	}
}

// hunt builds the tests with the mistake in them, and runs seeds until one fails.
func (m mutant) hunt(t *testing.T, root string) (seeds, how string, err error) {
	overlay, err := m.plant(t, root)
	if err != nil {
		return "", "", err
	}
	binary := filepath.Join(t.TempDir(), "sim.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", overlay, "-o", binary, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("build: %w\n%s", err, out)
	}
	run := exec.CommandContext(t.Context(), binary, "-test.run=^TestSeeds$", "-test.timeout=0")
	run.Env = append(os.Environ(), envSeeds+"="+strconv.Itoa(mostSeeds), envFrom+"=1", envTale+"=no")
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, &out
	if run.Run() == nil {
		return "", "", fmt.Errorf("survived %d seeds", mostSeeds)
	}
	found := regexp.MustCompile(`seed (\d+): (.*)`).FindStringSubmatch(out.String())
	if found == nil {
		return "", "", fmt.Errorf("run: %s", out.String())
	}
	return found[1], oneLine(found[2]), nil
}

func oneLine(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	return strings.ReplaceAll(text[:min(len(text), 120)], "|", "/")
}

// plant writes the changed files and an overlay that puts them in the place of the
// originals.
func (m mutant) plant(t *testing.T, root string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for i, e := range append([]edit{{m.dir, m.old, m.new}}, m.more...) {
		name, text, err := e.apply(root)
		if err != nil {
			return "", err
		}
		changed := filepath.Join(dir, fmt.Sprintf("changed%d.go", i))
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[name] = changed
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "overlay.json")
	return file, os.WriteFile(file, overlay, 0o600)
}

// apply finds the one file that has the place, and returns it changed.
func (e edit) apply(root string) (name, text string, err error) {
	err = filepath.WalkDir(filepath.Join(root, e.dir), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "sinktest") {
			return err
		}
		content, err := os.ReadFile(path) //nolint:gosec // ours
		if err != nil || !strings.Contains(string(content), e.old) {
			return err
		}
		if name != "" || strings.Count(string(content), e.old) > 1 {
			return fmt.Errorf("the place is not the only one: also in %s", path)
		}
		name, text = path, strings.Replace(string(content), e.old, e.new, 1)
		return nil
	})
	if err == nil && name == "" {
		err = fmt.Errorf("the place is gone: %q", e.old)
	}
	return name, text, err
}

// The table is between these lines of the document.
const (
	tableBegin = "<!-- mutants -->\n"
	tableEnd   = "<!-- end of mutants -->\n"
)

func writeTable(t *testing.T, name, rows string) {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	table := "| mutant | in | seed | what was wrong |\n|---|---|---|---|\n" + rows
	if err := os.WriteFile(name, []byte(before+tableBegin+table+tableEnd+after), 0o600); err != nil {
		t.Fatal(err)
	}
}
