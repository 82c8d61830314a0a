// Command xmpp-notifier carries notifications from NATS JetStream and Kafka
// into an XMPP chat room, and acknowledges each one to its broker only after
// the room has shown it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // the command line or a setting is wrong
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, call{os.Args[1:], os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// execute runs one command and returns the exit code.
func execute(ctx context.Context, c call) int {
	err := dispatch(ctx, c)
	var usage *usageError
	var report *reportError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &report):
		fmt.Fprintln(c.stderr, "xmpp-notifier:", err)
		return report.code
	case errors.As(err, &usage):
		fmt.Fprintln(c.stderr, "xmpp-notifier:", err)
		return exitUsage
	default:
		fmt.Fprintln(c.stderr, "xmpp-notifier:", err)
		return exitFailed
	}
}

// usageError is a mistake of the operator.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

// call is what a command is called with.
type call struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
}
