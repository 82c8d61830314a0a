package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// command is one thing that the program does.
type command struct {
	name, summary string
	// usage explains the arguments, "" if there are none. Shells complete the
	// flags in it.
	usage string
	// words are the arguments that shells complete, apart from flags.
	words []string
	run   func(context.Context, call) error
}

// commands are in the order of the help. The first is the default.
func commands() []command {
	return []command{
		{
			name: "run", summary: "carry notifications until SIGTERM or SIGINT (the default)",
			run: func(ctx context.Context, c call) error { return run(ctx, c.stderr) },
		},
		{
			name: "check", summary: "look at everything that the worker needs, and say what is wrong", usage: checkUsage,
			run: checkSetup,
		},
		{
			name: "init", summary: "create what the sources need in the brokers, and check the rest", usage: initUsage,
			run: func(ctx context.Context, c call) error { return prepare(ctx, c.args, c.stdout) },
		},
		{
			name: "setup", summary: "prepare the XMPP server: account, room, membership", usage: setupUsage,
			run: setUp,
		},
		{
			name: "replay", summary: "list the dead letters, or publish them again", usage: replayUsage,
			words: []string{"list", "show", "send"}, run: replay,
		},
		{
			name: "send", summary: "post one notification into the room, and wait until it is shown", usage: sendUsage,
			run: send,
		},
		{
			name: "render", summary: "show what messages would look like in the room", usage: renderUsage,
			run: func(_ context.Context, c call) error { return showRendered(c.args, c.stdin, c.stdout) },
		},
		{
			name: "config", summary: "print the settings in effect, secrets masked, and where each is from",
			run: func(_ context.Context, c call) error { return showConfig(c.stdout) },
		},
		{
			name: "completion", summary: "print what makes a shell complete the commands", usage: completionUsage,
			words: []string{"bash", "zsh", "fish"},
			run:   func(_ context.Context, c call) error { return showCompletion(c.args, c.stdout) },
		},
		{
			name: "version", summary: "print the version",
			run: func(_ context.Context, c call) error { return showVersion(c.stdout) },
		},
		{
			name: "help", summary: "print this, or help about one command", usage: "usage: xmpp-notifier help [COMMAND]\n       xmpp-notifier COMMAND -help",
			run: func(_ context.Context, c call) error { return help(c.args, c.stdout) },
		},
	}
}

// dispatch runs the command that the arguments name.
func dispatch(ctx context.Context, c call) error {
	name := "run"
	if len(c.args) > 0 {
		name, c.args = strings.TrimLeft(c.args[0], "-"), c.args[1:]
	}
	if name == "h" {
		name = "help"
	}
	found, err := find(name)
	switch {
	case err != nil:
		return err
	case len(c.args) > 0 && isHelp(c.args[0]):
		return found.help(c.stdout)
	case len(c.args) > 0 && found.usage == "":
		return &usageError{fmt.Errorf("unexpected argument %q: settings come from the environment, see xmpp-notifier help", c.args[0])}
	}
	return found.run(ctx, c)
}

func find(name string) (command, error) {
	var names []string
	for _, c := range commands() {
		if c.name == name {
			return c, nil
		}
		names = append(names, c.name)
	}
	return command{}, &usageError{fmt.Errorf("unknown command %q: use one of %s", name, strings.Join(names, ", "))}
}

func isHelp(arg string) bool { return arg == "-h" || arg == "-help" || arg == "--help" }

// help explains the command.
func (c command) help(w io.Writer) error {
	usage := c.usage
	if usage == "" {
		usage = "usage: xmpp-notifier " + c.name
	}
	_, err := fmt.Fprintf(w, "xmpp-notifier %s: %s\n\n%s\n", c.name, c.summary, usage)
	return err
}

// help explains everything, or one command.
func help(args []string, w io.Writer) error {
	if len(args) == 0 {
		return showHelp(w)
	}
	c, err := find(args[0])
	if err != nil {
		return err
	}
	return c.help(w)
}
