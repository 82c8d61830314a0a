//go:build mutants

package sim_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// mostSeeds is how many seeds a mutant may survive.
const mostSeeds = 20_000

// mutantResults keeps what is known of the mutants, by name.
const mutantResults = "testdata/mutants.json"

// result is how the hunt for a mutant ended.
type result struct {
	Code  string `json:"code"`            // a hash of the changed files: it holds for them
	Seed  uint64 `json:"seed"`            // that found the mutant, 0: none did
	Wrong string `json:"wrong,omitempty"` // what was wrong
}

// TestMutants plants the mutants, and lets the simulator look for each, for as many at a
// time as -parallel says. It leaves out those whose result is known for the present code.
// SIM_MUTANT=word takes all whose name has the word. The table is written after each.
func TestMutants(t *testing.T) {
	original, err := build(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	results := readResults(t)
	for i, m := range results.list {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			changed, err := m.plant("..")
			if err != nil {
				t.Fatal(err)
			}
			known, code := results.get(m.name), hash(changed)
			if !wanted(m.name, known.Code == code) {
				return
			}
			say("%d of %d: %s", i+1, len(results.list), m.name)
			mutated, err := build(t, changed)
			if err != nil {
				t.Fatal(err)
			}
			r := hunt(t, original, mutated, m.with, known.Seed)
			if r.Seed == 0 {
				t.Errorf("survived %d seeds", mostSeeds)
			}
			say("%d of %d: %s: seed %d: %s", i+1, len(results.list), m.name, r.Seed, r.Wrong)
			r.Code = code
			results.put(t, m.name, r)
		})
	}
}

// wanted reports whether a mutant is to be run.
func wanted(name string, known bool) bool {
	if word, chosen := os.LookupEnv("SIM_MUTANT"); chosen {
		return strings.Contains(name, word)
	}
	return !known
}

func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "mutants: "+format+"\n", args...) }

// hunt runs seeds until one fails with the mutant, and never without it. The seed that
// was found before comes first.
func hunt(t *testing.T, original, mutated, with string, before uint64) result {
	if before > 0 {
		if r := search(t, mutated, "", before, 1); r.Seed > 0 && !fails(t, original, before) {
			return r
		}
	}
	for from := uint64(1); from <= mostSeeds; {
		r := search(t, mutated, with, from, mostSeeds+1-from)
		if r.Seed == 0 || !fails(t, original, r.Seed) {
			return r
		}
		say("seed %d fails without the mutant", r.Seed)
		from = r.Seed + 1
	}
	return result{}
}

// fails reports whether a seed fails in one of three runs.
func fails(t *testing.T, binary string, seed uint64) bool {
	for range 3 {
		if search(t, binary, "", seed, 1).Seed > 0 {
			return true
		}
	}
	return false
}

var failedSeed = regexp.MustCompile(`seed (\d+): (.*)`)

// search runs so many seeds, but only those with certain words in their plan, and returns
// the first that fails.
func search(t *testing.T, binary, with string, from, count uint64) result {
	run := exec.CommandContext(t.Context(), binary, "-test.run=^TestSeeds$", "-test.timeout=0")
	run.Env = append(os.Environ(), envSeeds+"="+strconv.FormatUint(count, 10), envFrom+"="+strconv.FormatUint(from, 10), envTale+"=no", envJobs+"=1", envWith+"="+with)
	var out bytes.Buffer
	run.Stdout, run.Stderr = &out, os.Stderr
	if run.Run() == nil {
		return result{}
	}
	found := failedSeed.FindStringSubmatch(out.String())
	if found == nil {
		t.Fatalf("run: %s", out.String())
	}
	seed, _ := strconv.ParseUint(found[1], 10, 64)
	return result{Seed: seed, Wrong: strings.ReplaceAll(found[2][:min(len(found[2]), 120)], "|", "/")}
}

// build makes the tests with the changed files in the place of the originals.
func build(t *testing.T, changed map[string]string) (string, error) {
	dir := t.TempDir()
	replace := map[string]string{}
	for name, text := range changed {
		original, err := filepath.Abs(name)
		if err != nil {
			t.Fatal(err)
		}
		replace[original] = filepath.Join(dir, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(replace[original], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file, binary := filepath.Join(dir, "overlay.json"), filepath.Join(dir, "sim.test")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-ldflags=-s -w", "-overlay", file, "-o", binary, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return binary, nil
}

func hash(changed map[string]string) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(changed)) {
		h.Write([]byte(name + changed[name]))
	}
	return fmt.Sprintf("%.8x", h.Sum(nil))
}

// results are those of the list.
type results struct {
	list []mutant

	mu     sync.Mutex
	byName map[string]result
}

func readResults(t *testing.T) *results {
	r := &results{list: mutants(t), byName: map[string]result{}}
	text, err := os.ReadFile(mutantResults)
	if err == nil {
		err = json.Unmarshal(text, &r.byName)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return r
}

func (r *results) get(name string) result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byName[name]
}

// put notes a result, and writes all of the list for the next run, and for people.
func (r *results) put(t *testing.T, name string, one result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byName[name] = one
	kept := map[string]result{}
	rows := "| mutant | in | seed | what was wrong |\n|---|---|---|---|\n"
	for _, m := range r.list {
		if one, known := r.byName[m.name]; known {
			kept[m.name] = one
			rows += one.row(m)
		}
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mutantResults, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if name := os.Getenv("SIM_TABLE"); name != "" {
		writeTable(t, name, rows)
	}
}

func (r result) row(m mutant) string {
	seed := "none"
	if r.Seed > 0 {
		seed = strconv.FormatUint(r.Seed, 10)
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", m.name, m.edits[0].dir, seed, r.Wrong)
}

// The table is between these lines of the document.
const (
	tableBegin = "<!-- mutants -->\n"
	tableEnd   = "<!-- end of mutants -->\n"
)

func writeTable(t *testing.T, name, rows string) {
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(content), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", name)
	}
	if err := os.WriteFile(name, []byte(before+tableBegin+rows+tableEnd+after), 0o600); err != nil {
		t.Fatal(err)
	}
}
