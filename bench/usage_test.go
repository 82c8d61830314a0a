//go:build real && linux

package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// cpu returns what all threads of a process have used so far.
func cpu(pid int) time.Duration {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is right
	var total time.Duration
	for _, thread := range threads {
		total += time.Duration(number(thread, ""))
	}
	return total
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident returns the resident memory of a process, in MB: now (VmRSS) or at its
// highest (VmHWM).
func resident(pid int, field string) float64 {
	return number(fmt.Sprintf("/proc/%d/status", pid), field+":") / 1024
}

// number reads the number after a text in a file, 0 if there is none.
func number(path, after string) float64 {
	text, _ := os.ReadFile(path) // the process may have ended
	_, text2, _ := strings.Cut(string(text), after)
	n, _ := strconv.ParseFloat(strings.Fields(text2 + " 0")[0], 64)
	return n
}
