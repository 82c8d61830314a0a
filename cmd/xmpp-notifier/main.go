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
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// execute runs one command and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "xmpp-notifier:", err)
		return exitUsage
	default:
		fmt.Fprintln(stderr, "xmpp-notifier:", err)
		return exitFailed
	}
}

// usageError is a mistake of the operator.
type usageError struct{ error }

func (e *usageError) Unwrap() error { return e.error }

func dispatch(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command := "run"
	if len(args) > 0 {
		command = args[0]
	}
	if len(args) > 1 {
		return &usageError{fmt.Errorf("unexpected argument %q: settings come from the environment, see xmpp-notifier --help", args[1])}
	}
	switch command {
	case "run":
		return run(ctx, stderr)
	case "config":
		return showConfig(stdout)
	case "version", "--version":
		return showVersion(stdout)
	case "help", "--help", "-h":
		return showHelp(stdout)
	default:
		return &usageError{fmt.Errorf("unknown command %q: use run, config, version or help", command)}
	}
}
