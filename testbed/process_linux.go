package testbed

import (
	"os"
	"syscall"
)

// ownGroup makes a child lead a process group, and die with its parent.
func ownGroup() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// killGroup kills leader and all of its group.
func killGroup(leader *os.Process) {
	_ = syscall.Kill(-leader.Pid, syscall.SIGKILL) // fails only if all have gone
}

// freezeGroup has leader and all of its group stand still until they are killed.
func freezeGroup(leader *os.Process) {
	_ = syscall.Kill(-leader.Pid, syscall.SIGSTOP) // fails only if all have gone
}
