package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The groups of commands in the help.
const (
	groupWork    = "work"
	groupPrepare = "prepare"
	groupTry     = "try"
)

const rootHelp = `xmpp-notifier carries notifications from NATS and Kafka into an XMPP chat room,
and acknowledges each one to its broker only after the room has shown it.

Settings come from environment variables: "xmpp-notifier help settings" explains
each one. Without a command, xmpp-notifier runs the worker.

Exit codes: 0 done, 1 failed, 2 the command line or a setting is wrong. "check"
has more.`

// newRootCommand returns the program: run, unless a command is named.
func newRootCommand(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "xmpp-notifier", Long: rootHelp, Version: programVersion(),
		Args: noSuchCommand, SilenceErrors: true, SilenceUsage: true, SuggestionsMinimumDistance: 2,
		RunE: runWorker,
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.Flags().Bool("version", false, "print the version")
	root.PersistentFlags().BoolP("verbose", "v", false, "log at the level debug, whatever LOG_LEVEL says")
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return usage(c, err) })
	root.AddGroup(
		&cobra.Group{ID: groupWork, Title: "Carry notifications:"},
		&cobra.Group{ID: groupPrepare, Title: "Prepare and check:"},
		&cobra.Group{ID: groupTry, Title: "Try and repair:"},
	)
	root.AddCommand(
		newRunCommand(), newIngestCommand(), newHealthCommand(),
		newInitCommand(), newSetupCommand(), newCheckCommand(), newConfigCommand(),
		newSendCommand(), newRenderCommand(), newReplayCommand(),
		newVersionCommand(), newManCommand(), newSettingsTopic(),
	)
	strict(root)
	return root
}

// strict makes the commands that cobra adds by itself report mistakes as the
// others do: by default, help about what there is not succeeds.
func strict(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Short = "explain a command"
			c.Args = func(_ *cobra.Command, args []string) error {
				if found, rest, err := root.Find(args); err != nil || found == root && len(rest) > 0 {
					return noSuchCommand(root, args)
				}
				return nil
			}
		case "completion":
			c.Short = "print the script that makes a shell complete commands and flags"
			c.Args = cobra.ArbitraryArgs
			c.RunE = func(c *cobra.Command, args []string) error {
				return usage(c, fmt.Errorf("%q: name one shell: bash, zsh, fish or powershell", args))
			}
		}
	}
}

// usage is a mistake in the command line of c, with what helps.
func usage(c *cobra.Command, err error) error {
	return &usageError{fmt.Errorf("%w\nSee: %s --help", err, c.CommandPath())}
}

// noSuchCommand refuses arguments of the program itself: they are misspelt commands.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := ""
	if similar := c.SuggestionsFor(args[0]); len(similar) > 0 {
		hint = ": did you mean " + strings.Join(similar, " or ") + "?"
	}
	return usage(c, fmt.Errorf("unknown command %q%s", args[0], hint))
}

// noArguments refuses arguments of a command that takes none.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usage(c, fmt.Errorf("unexpected argument %q: settings come from the environment", args[0]))
}

// verbose reports whether -v is given.
func verbose(c *cobra.Command) bool {
	on, err := c.Flags().GetBool("verbose")
	return err == nil && on
}

// oneDash lets long flags begin with a single dash, as Go programs often have
// them: -subject is --subject. Without it, pflag would read a row of short flags.
func oneDash(root *cobra.Command, args []string) []string {
	long := map[string]bool{"help": true, "version": true}
	for _, c := range append(root.Commands(), root) {
		for _, set := range []*pflag.FlagSet{c.Flags(), c.PersistentFlags()} {
			set.VisitAll(func(f *pflag.Flag) { long[f.Name] = true })
		}
	}
	fixed := make([]string, len(args))
	for i, arg := range args {
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if fixed[i] = arg; strings.HasPrefix(arg, "-") && long[name] {
			fixed[i] = "-" + arg
		}
	}
	return fixed
}

// completeWith tells shells the words that a flag takes.
func completeWith(c *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that there is not, which no test would pass.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}
