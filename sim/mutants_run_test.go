//go:build mutants

package sim_test

import (
	"bytes"
	"cmp"
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

// TestMutants plants the mutants one by one, and lets the simulator look for each. It
// leaves out those whose result is known for the present code. SIM_MUTANT=word takes all
// whose name has the word. The table of results is written after each.
func TestMutants(t *testing.T) {
	original, err := build(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	list, results := mutants(t), readResults(t)
	for i, m := range list {
		t.Run(m.name, func(t *testing.T) {
			changed, err := m.plant("..")
			if err != nil {
				t.Fatal(err)
			}
			known, code := results[m.name], hash(changed)
			if !wanted(m.name, known.Code == code) {
				return
			}
			say("%d of %d: %s", i+1, len(list), m.name)
			mutated, err := build(t, changed)
			if err != nil {
				t.Fatal(err)
			}
			r := hunt(t, original, mutated, known.Seed)
			if r.Seed == 0 {
				t.Errorf("survived %d seeds", mostSeeds)
			}
			say("%d of %d: %s: seed %d: %s", i+1, len(list), m.name, r.Seed, r.Wrong)
			r.Code = code
			results[m.name] = r
			writeResults(t, list, results)
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
func hunt(t *testing.T, original, mutated string, before uint64) result {
	if before > 0 {
		if r := search(t, mutated, before, 1); r.Seed > 0 && !fails(t, original, before) {
			return r
		}
	}
	for from := uint64(1); from <= mostSeeds; {
		r := search(t, mutated, from, mostSeeds+1-from)
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
		if search(t, binary, seed, 1).Seed > 0 {
			return true
		}
	}
	return false
}

var failedSeed = regexp.MustCompile(`seed (\d+): (.*)`)

// search runs so many seeds and returns the first that fails.
func search(t *testing.T, binary string, from, count uint64) result {
	run := exec.CommandContext(t.Context(), binary, "-test.run=^TestSeeds$", "-test.timeout=0")
	run.Env = append(os.Environ(), envSeeds+"="+strconv.FormatUint(count, 10), envFrom+"="+strconv.FormatUint(from, 10), envTale+"=no")
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
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", file, "-o", binary, ".").CombinedOutput()
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

func readResults(t *testing.T) map[string]result {
	results := map[string]result{}
	text, err := os.ReadFile(mutantResults)
	if err == nil {
		err = json.Unmarshal(text, &results)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return results
}

// writeResults writes those of the list, and the table for people.
func writeResults(t *testing.T, list []mutant, results map[string]result) {
	kept := map[string]result{}
	rows := "| mutant | in | seed | what was wrong |\n|---|---|---|---|\n"
	for _, m := range list {
		r, known := results[m.name]
		if !known {
			continue
		}
		kept[m.name] = r
		rows += fmt.Sprintf("| %s | %s | %s | %s |\n", m.name, m.edits[0].dir, cmp.Or(strings.TrimPrefix(strconv.FormatUint(r.Seed, 10), "0"), "none"), r.Wrong)
	}
	text, err := json.MarshalIndent(kept, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mutantResults, append(text, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	if name := os.Getenv("SIM_TABLE"); name != "" {
		writeTable(t, name, rows)
	}
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
