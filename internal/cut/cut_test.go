package cut_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

func TestLine(t *testing.T) {
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"disk full", 9, "disk full"},
		{"disk full", 5, "disk…"},
		{"Prüfung", 3, "Pr…"},
		{"", 0, ""},
		{"disk", 0, "…"},
		{"of https://ann:secret@example.org/x", 20, "of https://…"},
		{"of https://ann:secret@example.org/x", 34, "of https://ann:secret@example.org/…"},
		{"of https://ann:secret@example.org and db-1", 40, "of https://ann:secret@example.org and db…"},
		{"://ann:secret@example.org", 9, "://…"},
		{"a://b ://ann:secret@example.org", 15, "a://b ://…"},
		{`{"url":"https://example.org:80","n":12345}`, 38, `{"url":"https://example.org:80","n":12…`},
	} {
		if got := cut.Line(c.text, c.limit); got != c.want {
			t.Errorf("%q to %d: got %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

// Wherever an address is cut, no part of its password is left.
func TestPasswordsAreNotCut(t *testing.T) {
	const address = "see postgres://ann:secret@db-1:5432/orders of db-1"
	whole := strings.Index(address, "/orders")
	for limit := range address {
		if got := cut.Line(address, limit); limit <= whole && strings.Contains(got, ":s") {
			t.Errorf("to %d: %q", limit, got)
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"":                         {""},
		"one two three":            {"one two", "three"},
		"one\ntwo three":           {"one", "two", "three"},
		"  unbreakable, and so on": {"  unbreakable,", "and so", "on"},
		"äöü äöü äöü":              {"äöü äöü", "äöü"},
	} {
		if got := cut.Wrap(text, 7); !slices.Equal(got, want) {
			t.Errorf("%q: got %q", text, got)
		}
	}
}
