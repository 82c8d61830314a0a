//go:build real && linux

package bench_test

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
)

// What is to be the limit has the first core for itself, and everything else
// shares the others: a server slows down if its sender needs the same core.
const limitCore = "0"

func otherCores() string { return "1-" + strconv.Itoa(runtime.NumCPU()-1) }

// keepOff keeps this process, and what it starts, off the first core.
func keepOff(t *testing.T) { bind(t, os.Getpid(), otherCores()) }

// bind binds all threads of a process to some cores, if there are several.
func bind(t testing.TB, pid int, cores string) {
	t.Helper()
	if runtime.NumCPU() == 1 {
		return
	}
	cmd := exec.CommandContext(t.Context(), "taskset", "--all-tasks", "--cpu-list", "--pid", cores, strconv.Itoa(pid))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("bind process %d to cores %s: %v\n%s", pid, cores, err, out)
	}
}
