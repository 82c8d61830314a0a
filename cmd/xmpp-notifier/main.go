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
	"strings"
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
	switch {
	case err == nil:
		return exitOK
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

// command is one thing that the program does.
type command struct {
	name, summary string
	run           func(context.Context, call) error
}

// commands are in the order of the help. The first is the default.
func commands() []command {
	return []command{
		{"run", "carry notifications until SIGTERM or SIGINT (the default)", noArgs(func(ctx context.Context, c call) error { return run(ctx, c.stderr) })},
		{"init", "create what the sources need in the brokers, and check the rest", func(ctx context.Context, c call) error { return prepare(ctx, c.args, c.stdout) }},
		{"replay", "list the dead letters, or publish them again", replay},
		{"send", "post one notification into the room, and wait until it is shown", send},
		{"render", "show what messages would look like in the room", func(_ context.Context, c call) error { return showRendered(c.args, c.stdin, c.stdout) }},
		{"config", "print the settings in effect, secrets masked, and where each is from", noArgs(func(_ context.Context, c call) error { return showConfig(c.stdout) })},
		{"version", "print the version", noArgs(func(_ context.Context, c call) error { return showVersion(c.stdout) })},
		{"help", "print this", noArgs(func(_ context.Context, c call) error { return showHelp(c.stdout) })},
	}
}

// noArgs refuses arguments.
func noArgs(run func(context.Context, call) error) func(context.Context, call) error {
	return func(ctx context.Context, c call) error {
		if len(c.args) > 0 {
			return &usageError{fmt.Errorf("unexpected argument %q: settings come from the environment, see xmpp-notifier help", c.args[0])}
		}
		return run(ctx, c)
	}
}

func dispatch(ctx context.Context, c call) error {
	name := "run"
	if len(c.args) > 0 {
		name, c.args = strings.TrimLeft(c.args[0], "-"), c.args[1:]
	}
	var names []string
	for _, command := range commands() {
		if name == command.name || name == "h" && command.name == "help" {
			return command.run(ctx, c)
		}
		names = append(names, command.name)
	}
	return &usageError{fmt.Errorf("unknown command %q: use one of %s", name, strings.Join(names, ", "))}
}
