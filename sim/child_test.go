// The default key exchange takes a sixth of the time of a run.
//go:debug tlsmlkem=0

package sim_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sim"
)

// quit has a Go process print its goroutines, and end.
func quit() os.Signal { return syscall.SIGQUIT }

// TestChild is the process that TestSeeds and TestRegressions start. It says what
// it finds, line by line.
func TestChild(t *testing.T) {
	task, what, _ := strings.Cut(os.Getenv(envChild), " ")
	if task == "" {
		t.Skip("for processes that the other tests start")
	}
	setup := sim.NewSetup(t)
	switch task {
	case "seeds":
		var from, to uint64
		if _, err := fmt.Sscanf(what, "%d-%d", &from, &to); err != nil {
			t.Fatal(err)
		}
		runSeeds(t, setup, from, to)
	case "shrink":
		var seed uint64
		if _, err := fmt.Sscanf(what, "%d", &seed); err != nil {
			t.Fatal(err)
		}
		shrink(t, setup, seed)
	case "repeat":
		repeat(t, setup)
	case "regression":
		r, err := sim.ReadRegression(what)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 { // the order of goroutines differs a little
			report(sim.Run(t, setup, r.Plan))
		}
	}
}

func runSeeds(t *testing.T, setup *sim.Setup, from, to uint64) {
	words := strings.FieldsFunc(os.Getenv(envWith), func(r rune) bool { return r == ',' })
	for seed := from; seed < to; seed++ {
		plan := sim.NewPlan(seed)
		if !hasAll(t, plan, words) {
			continue
		}
		fmt.Println("begin", seed)
		report(sim.Run(t, setup, plan))
		fmt.Println("end", seed)
		if seed%20 == 0 {
			runtime.GC() // not while one runs: it would change the order of things
		}
	}
	fmt.Println("finished")
}

// hasAll reports whether all words are in a plan as it is written down.
func hasAll(t *testing.T, plan *sim.Plan, words []string) bool {
	text, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(string(text), strconv.Quote(word)) })
}

// repeat runs some seeds twice, and says how many told the same story.
func repeat(t *testing.T, setup *sim.Setup) {
	setup.Story = true
	for seed := range uint64(100) {
		first, second := sim.Run(t, setup, sim.NewPlan(seed)), sim.Run(t, setup, sim.NewPlan(seed))
		if slices.Equal(first.Story, second.Story) {
			fmt.Println("same")
		}
	}
}

func report(o sim.Outcome) {
	for _, v := range o.Violations {
		fmt.Println("wrong", strings.ReplaceAll(v, "\n", " "))
	}
}

// shrink makes the plan of a seed smaller, writes it down and tells its story.
func shrink(t *testing.T, setup *sim.Setup, seed uint64) {
	runs := 0
	smallest := sim.Shrink(sim.NewPlan(seed), func(p *sim.Plan) []string {
		if runs++; runs%20 == 0 {
			fmt.Println("") // that it is still alive
			runtime.GC()
		}
		return sim.Run(t, setup, p).Violations
	})
	again, tries := 0, 20
	var last sim.Outcome
	setup.Story = true
	for range tries {
		if o := sim.Run(t, setup, smallest); o.Failed() {
			last = o
			again++
		}
	}
	for _, line := range last.Story {
		fmt.Println(line)
	}
	fmt.Printf("the smallest plan fails %d times of %d: %s\n", again, tries, smallest)
	name, err := sim.Regression{What: sim.Kind(last.Violations), Plan: smallest}.Write(cmp.Or(os.Getenv(envOutput), sim.Regressions))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("written to", name)
}

// TestStory tells what happens in one seed: SIM_STORY=17 go test -run TestStory -v ./sim.
func TestStory(t *testing.T) {
	var seed uint64
	if _, err := fmt.Sscanf(os.Getenv("SIM_STORY"), "%d", &seed); err != nil {
		t.Skip("SIM_STORY names no seed")
	}
	setup := sim.NewSetup(t)
	setup.Story, setup.Verbose = true, true
	o := sim.Run(t, setup, sim.NewPlan(seed))
	t.Log(strings.Join(o.Story, "\n"))
	for _, v := range o.Violations {
		t.Error(v)
	}
}
