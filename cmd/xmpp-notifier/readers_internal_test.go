package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTheSettingsOfTheQuickStartAreEnough loads those that README.md and
// docs/install.md show, and nothing else.
func TestTheSettingsOfTheQuickStartAreEnough(t *testing.T) {
	for page, pattern := range map[string]string{
		"../../README.md":       `(?m)^    ([A-Z_]+)=(\S+)$`,
		"../../docs/install.md": `\b([A-Z]+_[A-Z_]+|SOURCES)=(\S+)`,
	} {
		t.Run(filepath.Base(page), func(t *testing.T) {
			secret := filepath.Join(t.TempDir(), "secret")
			if err := os.WriteFile(secret, []byte("secret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			t.Setenv("XMPP_PASSWORD_FILE", secret)
			count := 0
			for _, setting := range regexp.MustCompile(pattern).FindAllStringSubmatch(readDocs(t, page), -1) {
				if count++; !strings.HasSuffix(setting[1], "_FILE") {
					t.Setenv(setting[1], strings.Trim(setting[2], "'"))
				}
			}
			code, out, errs := invoke(t, "", "config")
			if code != exitOK || count < 5 || !strings.Contains(out, "notify.>") {
				t.Errorf("%d settings, code %d\n%s%s", count, code, out, errs)
			}
		})
	}
}

// TestLinksOfTheDocumentsLeadSomewhere follows the links from page to page, to the
// headings.
func TestLinksOfTheDocumentsLeadSomewhere(t *testing.T) {
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/*/*.md", "../../deploy/*/*.md"} {
		pages, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, page := range pages {
			for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(readDocs(t, page), -1) {
				if !strings.Contains(link[1], "://") && !leads(t, page, link[1]) {
					t.Errorf("%s: the link %s leads nowhere", page, link[1])
				}
			}
		}
	}
}

// leads reports whether there is a file behind a link, with the heading if it names one.
func leads(t *testing.T, page, link string) bool {
	t.Helper()
	path, heading, named := strings.Cut(link, "#")
	target := page
	if path != "" {
		target = filepath.Join(filepath.Dir(page), path)
	}
	if _, err := os.Stat(target); err != nil || !named {
		return err == nil
	}
	for _, line := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(readDocs(t, target), -1) {
		if slug(line[1]) == heading {
			return true
		}
	}
	return false
}

// slug is the name that GitHub gives a heading.
func slug(heading string) string {
	kept := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(kept, " ", "-")
}
