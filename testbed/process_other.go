//go:build !linux

package testbed

import (
	"os"
	"syscall"
)

// ownGroup is for Linux. Elsewhere children are on their own: call Kill.
func ownGroup() *syscall.SysProcAttr { return nil }

// killGroup kills leader alone.
func killGroup(leader *os.Process) { _ = leader.Kill() }

// freezeGroup does nothing: elsewhere what is unread cannot be seen either.
func freezeGroup(*os.Process) {}
