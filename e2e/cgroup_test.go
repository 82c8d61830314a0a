package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// quarters are what a worker of the memory tests runs in: where its limit comes from, and
// how much it may take.
type quarters struct {
	binary string
	env    map[string]string
	limit  int
}

// quartersOf chooses them: CGROUP_MEMORY=true asks for a cgroup.
func quartersOf(t *testing.T) quarters {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the peak of resident memory is read from /proc")
	}
	if os.Getenv("CGROUP_MEMORY") == "true" {
		return withCgroup(t)
	}
	return withSetting()
}

// withSetting has the limit in the setting, as large as the default.
func withSetting() quarters {
	return quarters{binary, map[string]string{"MEMORY_LIMIT": "64MB"}, residentLimit}
}

// manifestLimit is the limit of memory in deploy/kubernetes.
const manifestLimit = 96 << 20

// withCgroup has the limit in a cgroup, of which the kernel kills whatever takes more.
func withCgroup(t *testing.T) quarters {
	t.Helper()
	group, limitFile := filepath.Join("/sys/fs/cgroup", "xmpp-notifier-test-"+strconv.Itoa(os.Getpid())), "memory.max"
	if _, err := os.Stat("/sys/fs/cgroup/memory"); err == nil { // version 1
		group, limitFile = filepath.Join("/sys/fs/cgroup/memory", filepath.Base(group)), "memory.limit_in_bytes"
	}
	err := os.Mkdir(group, 0o750)
	if err == nil {
		t.Cleanup(func() { _ = os.Remove(group) }) // what ran in it has ended
		err = os.WriteFile(filepath.Join(group, limitFile), []byte(strconv.Itoa(manifestLimit)), 0o600)
	}
	if err != nil {
		t.Fatal("CGROUP_MEMORY=true needs root, and a cgroup for memory: ", err)
	}
	enter := filepath.Join(t.TempDir(), "enter")
	script := fmt.Sprintf("#!/bin/sh\necho $$ >%s/cgroup.procs || exit\nexec %s \"$@\"\n", group, binary)
	if err := os.WriteFile(enter, []byte(script), 0o700); err != nil { //nolint:gosec // it is run
		t.Fatal(err)
	}
	return quarters{enter, nil, manifestLimit}
}

// start starts the worker there.
func (q quarters) start(t *testing.T, env ...map[string]string) *process {
	t.Helper()
	return startBinary(t, q.binary, "run", append(env, q.env)...)
}

// keeps expects that the worker lives, and has not taken more than it may.
func (q quarters) keeps(t *testing.T, worker *process) {
	t.Helper()
	if !worker.Running() {
		t.Errorf("the worker was killed:\n%s", worker.Tail())
		return
	}
	if peak := worker.peak(); peak > q.limit {
		t.Errorf("peak of %d MB", peak/1e6)
	} else {
		t.Logf("peak of %d MB", peak/1e6)
	}
}
