package sim_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mutant is a mistake that somebody could make. The simulator must find it.
type mutant struct {
	name  string
	with  string // words of the plans that can find it, as for SIM_WITH; "": all can
	edits []edit
}

// edit replaces lines of a package that stand together in one place. Indentation does
// not count.
type edit struct {
	dir      string
	old, new []string
}

// Every mutant can be planted. What fails here is mended in testdata/mutants.diff.
func TestMutantsApply(t *testing.T) {
	list := mutants(t)
	if len(list) < 40 {
		t.Errorf("%d mutants, want 40 at least", len(list))
	}
	for _, m := range list {
		if _, err := m.plant(".."); err != nil {
			t.Errorf("%s: %v", m.name, err)
		}
	}
}

// mutants reads the list.
func mutants(t *testing.T) []mutant {
	t.Helper()
	text, err := os.ReadFile("testdata/mutants.diff")
	if err != nil {
		t.Fatal(err)
	}
	var list []mutant
	var m *mutant
	var e *edit
	for line := range strings.Lines(string(text)) {
		rest := strings.TrimSpace(line[1:])
		switch line[0] {
		case '=':
			list = append(list, mutant{name: rest})
			m = &list[len(list)-1]
		case '&':
			m.with = strings.Join(strings.Fields(rest), ",")
		case '@':
			m.edits = append(m.edits, edit{dir: rest})
			e = &m.edits[len(m.edits)-1]
		case ' ':
			e.old, e.new = append(e.old, rest), append(e.new, rest)
		case '-':
			e.old = append(e.old, rest)
		case '+':
			e.new = append(e.new, rest)
		}
	}
	return list
}

// plant returns the files that the mutant changes, by name.
func (m mutant) plant(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, e := range m.edits {
		if err := e.apply(root, changed); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// apply adds the file in which it changes something, or changes it once more.
func (e edit) apply(root string, changed map[string]string) error {
	names, err := filepath.Glob(filepath.Join(root, e.dir, "*.go"))
	if err != nil {
		return err
	}
	var places []string
	for _, name := range names {
		lines, err := linesOf(name, changed)
		if err != nil {
			return err
		}
		for i := range lines {
			if e.startsAt(lines[i:]) {
				places = append(places, fmt.Sprintf("%s:%d", name, i+1))
				changed[name] = strings.Join(slices.Concat(lines[:i], e.new, lines[i+len(e.old):]), "\n")
			}
		}
	}
	if len(places) != 1 {
		return fmt.Errorf("%s has %d places with these lines, want 1: %s\n%s", e.dir, len(places), places, strings.Join(e.old, "\n"))
	}
	return nil
}

// linesOf returns the lines of a source file as it is by now. Tests have none.
func linesOf(name string, changed map[string]string) ([]string, error) {
	if strings.HasSuffix(name, "_test.go") {
		return nil, nil
	}
	if text, again := changed[name]; again {
		return strings.Split(text, "\n"), nil
	}
	text, err := os.ReadFile(name)
	return strings.Split(string(text), "\n"), err
}

// startsAt reports whether the lines begin with those that go.
func (e edit) startsAt(lines []string) bool {
	if len(lines) < len(e.old) {
		return false
	}
	for i, old := range e.old {
		if !slices.Equal(strings.Fields(lines[i]), strings.Fields(old)) {
			return false
		}
	}
	return true
}
