package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = ""

// programVersion is the version that the build was given, else the one that Go
// has put into the binary: that of the module, or of the commit.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

const settingsHelp = `Settings come from environment variables. A variable that is empty counts as not
set. The items of a list are separated by commas; spaces around them do not
matter. A secret can come from a file: XMPP_PASSWORD_FILE instead of
XMPP_PASSWORD. docs/configuration.md has the same as tables.
`

// newSettingsTopic returns "help settings". It is no command: it has nothing to run.
func newSettingsTopic() *cobra.Command {
	topic := &cobra.Command{Use: "settings", Short: "explain the environment variables", GroupID: groupPrepare}
	topic.SetHelpFunc(func(c *cobra.Command, _ []string) { printSettings(c.OutOrStdout()) })
	topic.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	topic.Args = noArguments
	return topic
}

func printSettings(w io.Writer) {
	fmt.Fprint(w, settingsHelp)
	var s settings
	for _, g := range s.groups(true) {
		_ = config.PrintUsage(w, g) // who cannot write to the terminal has nobody to tell
	}
}

func newConfigCommand() *cobra.Command {
	return &cobra.Command{
		Use: "config", Short: "print the settings in effect and their origin, secrets masked", GroupID: groupPrepare,
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return showConfig(c.OutOrStdout()) },
	}
}

func showConfig(w io.Writer) error {
	var s settings
	loaded, err := s.load()
	if err != nil {
		return err
	}
	if err := config.PrintEffective(w, loaded); err != nil {
		return err
	}
	for _, line := range warnings() {
		if _, err := fmt.Fprintln(w, "!", line); err != nil {
			return err
		}
	}
	return nil
}

func newVersionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "print the version", Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(c.OutOrStdout(), "xmpp-notifier", programVersion(), runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
			return err
		},
	}
}
