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
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs one command and returns the exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand(stdin, stdout, stderr)
	root.SetArgs(oneDash(root, args))
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "xmpp-notifier:", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	if err == nil {
		return exitOK
	}
	if report, ok := errors.AsType[*reportError](err); ok {
		return report.code
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usageError is a mistake in the command line or the settings.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }
