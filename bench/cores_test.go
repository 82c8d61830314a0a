//go:build real && linux

package bench_test

import (
	"context"
	"fmt"
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
	must(t, bindTo(t.Context(), pid, cores))
}

func bindTo(ctx context.Context, pid int, cores string) error {
	if runtime.NumCPU() == 1 {
		return nil
	}
	cmd := exec.CommandContext(ctx, "taskset", "--all-tasks", "--cpu-list", "--pid", cores, strconv.Itoa(pid))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bind process %d to cores %s: %w\n%s", pid, cores, err, out)
	}
	return nil
}
