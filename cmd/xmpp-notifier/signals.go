package main

import (
	"os"
	"os/signal"
	"syscall"
)

// serviceSignals keeps a service alive at SIGHUP, which comes on the channel that it
// returns, and at SIGPIPE: whoever reads its log or audit may go away, and writing
// then fails. It is called before anything else: until then both end the process.
func serviceSignals() (hangup <-chan os.Signal, stop func()) {
	hangups, pipes := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	signal.Notify(pipes, syscall.SIGPIPE)
	return hangups, func() {
		signal.Stop(hangups)
		signal.Stop(pipes)
	}
}
