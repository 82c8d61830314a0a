package testbed

import (
	"errors"
	"io/fs"
	"os"
	"strings"
)

// Section returns the section of a Markdown page under a heading of level two,
// with the heading; "" if there is none, or no page.
func Section(file, heading string) (string, error) {
	page, err := os.ReadFile(file) //nolint:gosec // the page that the caller writes
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	_, section, _ := cutSection(string(page), heading)
	return section, err
}

// WriteSection replaces that section, or appends it: several test suites write
// what they have measured into one page, each its own part.
func WriteSection(file, heading, text string) error {
	page, err := os.ReadFile(file) //nolint:gosec // the page that the caller writes
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	before, _, after := cutSection(string(page), heading)
	if before != "" {
		before = strings.TrimRight(before, "\n") + "\n\n"
	}
	if after != "" {
		after = "\n" + after
	}
	text = "## " + heading + "\n\n" + strings.Trim(text, "\n") + "\n"
	return os.WriteFile(file, []byte(before+text+after), 0o644) //nolint:gosec // for everybody to read
}

// cutSection returns what is before, in and after a section.
func cutSection(page, heading string) (before, section, after string) {
	lines := strings.SplitAfter(page, "\n")
	begin, end := len(lines), len(lines)
	for i, line := range lines {
		switch {
		case begin == len(lines) && strings.TrimRight(line, " \n") == "## "+heading:
			begin = i
		case i > begin && strings.HasPrefix(line, "## "):
			end = min(end, i)
		}
	}
	return strings.Join(lines[:begin], ""), strings.Join(lines[begin:end], ""), strings.Join(lines[end:], "")
}
