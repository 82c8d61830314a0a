package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// newManCommand returns the command that packages make the man page with. It
// says what --help says, of all commands and all settings.
func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use: "man", Short: "print the man page, as troff", Hidden: true, Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return writeMan(c.OutOrStdout(), c.Root()) },
	}
}

func writeMan(w io.Writer, root *cobra.Command) error {
	var page strings.Builder
	fmt.Fprintf(&page, ".TH XMPP-NOTIFIER 1 \"\" \"xmpp-notifier %s\" \"User Commands\"\n", roff(programVersion()))
	section(&page, "NAME", "xmpp-notifier \\- carry notifications from NATS and Kafka into an XMPP chat room")
	section(&page, "SYNOPSIS", ".B xmpp-notifier\n[\\fICOMMAND\\fR] [\\fIOPTIONS\\fR]")
	section(&page, "DESCRIPTION", asIs(root.Long))
	page.WriteString(".SH COMMANDS\n")
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() {
			fmt.Fprintf(&page, ".SS %s\n%s", roff(c.Name()), asIs(c.Short+"\n\n"+strings.TrimSpace(c.Long+"\n\n"+c.UsageString())))
		}
	}
	var settings strings.Builder
	printSettings(&settings)
	section(&page, "ENVIRONMENT", asIs(settings.String()))
	_, err := io.WriteString(w, page.String())
	return err
}

func section(page *strings.Builder, title, text string) {
	fmt.Fprintf(page, ".SH %s\n%s\n", title, strings.TrimSpace(text))
}

// asIs is text that keeps its lines.
func asIs(text string) string { return ".nf\n" + roff(strings.TrimSpace(text)) + "\n.fi\n" }

// roff escapes what troff would take for a request or an escape.
func roff(text string) string {
	lines := strings.Split(strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
