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
		text, _ := os.ReadFile(thread) // it may have just ended
		used, _, _ := strings.Cut(string(text), " ")
		ns, _ := strconv.ParseInt(used, 10, 64)
		total += time.Duration(ns)
	}
	return total
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident returns the resident memory of a process, in MB: now or, as VmHWM, at
// its highest.
func resident(pid int, field string) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // 0 if it has ended
	_, after, _ := strings.Cut(string(text), field+":")
	kb, _ := strconv.ParseFloat(strings.Fields(after + " 0")[0], 64)
	return kb / 1024
}

// load is the load average of the machine.
func load() float64 {
	text, _ := os.ReadFile("/proc/loadavg") // 0 if it is not known
	average, _ := strconv.ParseFloat(strings.Fields(string(text) + " 0")[0], 64)
	return average
}
