package config

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// PrintUsage explains the settings of a group: name, type, default, meaning.
func PrintUsage(w io.Writer, g Group) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n", g.Title)
	for _, s := range Describe(g) {
		fmt.Fprintf(&b, "  %s  %s\n", s.Name, s.traits())
		for _, line := range cut.Wrap(s.Desc, 72) {
			fmt.Fprintf(&b, "      %s\n", line)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// traits are the type of a setting and what happens if it is not set.
func (s *Setting) traits() string {
	switch {
	case s.Type == typeSecret && s.Required:
		return fmt.Sprintf("(secret, required; or %s%s, the path of a file with it)", s.Name, fileSuffix)
	case s.Type == typeSecret:
		return fmt.Sprintf("(secret; or %s%s, the path of a file with it)", s.Name, fileSuffix)
	case s.Required:
		return fmt.Sprintf("(%s, required)", s.Type)
	case s.Default != "":
		return fmt.Sprintf("(%s, default %s)", s.Type, s.Default)
	default:
		return fmt.Sprintf("(%s)", s.Type)
	}
}

// PrintEffective writes a table of what the settings are and why.
func PrintEffective(w io.Writer, settings []Setting) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VARIABLE\tVALUE\tFROM")
	for _, s := range settings {
		fmt.Fprintf(table, "%s\t%s\t%s\n", s.Name, s.Value, s.Origin)
	}
	return table.Flush()
}
