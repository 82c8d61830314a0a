//go:build real && linux

package bench_test

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
)

// asChild is the environment variable that turns this program into a bare
// sender, so that what it uses can be told from what the observer and we use.
const asChild = "BENCH_CHILD"

func TestMain(m *testing.M) {
	text := os.Getenv(asChild)
	if text == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
