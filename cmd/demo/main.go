// Command demo shows the worker at work on a machine with nothing but Go: a
// NATS server with JetStream, an XMPP server with one room, and the worker,
// all in this process. It prints what services publish, what people in the
// room see, and what the broker hears, and in the end whether it all adds up.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/pflag"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // something broke, or the numbers do not agree
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the demo on the spot
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

type options struct {
	duration time.Duration
	verbose  bool
}

// execute runs the demo and returns the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args, stderr)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage // said already
	}
	if err := run(ctx, opts, newScreen(stdout)); err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (options, error) {
	var opts options
	flags := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.DurationVarP(&opts.duration, "duration", "d", 20*time.Second, "end after about this `time`")
	flags.BoolVarP(&opts.verbose, "verbose", "v", false, "show the log of the worker as well")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return opts, err
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case opts.duration <= 0:
		err = fmt.Errorf("--duration %v is too short: use 5s or more", opts.duration)
	default:
		return opts, nil
	}
	fmt.Fprintf(stderr, "demo: %v\nSee: demo --help\n", err)
	return opts, err
}
