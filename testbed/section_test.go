package testbed_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// Two suites write into one page, and neither loses what the other wrote.
func TestSections(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	write := func(heading, text, want string) {
		t.Helper()
		if err := testbed.WriteSection(file, heading, text); err != nil {
			t.Fatal(err)
		}
		if page, err := os.ReadFile(file); err != nil || string(page) != want {
			t.Errorf("the page is %q (%v), want %q", page, err, want)
		}
	}
	write("A", "one", "## A\n\none\n")
	write("B", "two", "## A\n\none\n\n## B\n\ntwo\n")
	write("A", "three\n### C\nfour", "## A\n\nthree\n### C\nfour\n\n## B\n\ntwo\n")
	write("B", "five", "## A\n\nthree\n### C\nfour\n\n## B\n\nfive\n")
	for heading, want := range map[string]string{"B": "## B\n\nfive\n", "D": ""} {
		if got, err := testbed.Section(file, heading); got != want || err != nil {
			t.Errorf("section %s is %q (%v), want %q", heading, got, err, want)
		}
	}
	if got, err := testbed.Section(file+".none", "A"); got != "" || err != nil {
		t.Errorf("a page that is not there has the section %q (%v)", got, err)
	}
}
