package main

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// version is set by the build: -ldflags "-X main.version=1.2.3".
var version = "devel"

const helpText = `xmpp-notifier carries notifications from NATS JetStream and Kafka into an XMPP
chat room, and acknowledges each one to its broker only after the room has
shown it.

Usage: xmpp-notifier [command]

Commands, each explained by xmpp-notifier help COMMAND
%s
Exit codes: 0 done, 1 failed, 2 the command line or a setting is wrong; check has
more: see xmpp-notifier check --help.

Settings come from environment variables. A variable that is empty counts as
not set. Lists are separated by commas.
`

func showHelp(w io.Writer) error {
	var list strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&list, "  %-11s %s\n", c.name, c.summary)
	}
	if _, err := fmt.Fprintf(w, helpText, list.String()); err != nil {
		return err
	}
	var s settings
	for _, g := range s.groups(true) {
		if err := config.PrintUsage(w, g); err != nil {
			return err
		}
	}
	return nil
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
	for _, line := range misspelt() {
		if _, err := fmt.Fprintln(w, "!", line); err != nil {
			return err
		}
	}
	return nil
}

func showVersion(w io.Writer) error {
	_, err := fmt.Fprintln(w, "xmpp-notifier", version, runtime.Version(), runtime.GOOS+"/"+runtime.GOARCH)
	return err
}
