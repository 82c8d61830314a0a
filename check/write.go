package check

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// WriteTable writes the report for people: one line each, with the fix.
func (r Report) WriteTable(w io.Writer, ascii bool) error {
	class, name := 0, 0
	for i := range r {
		class, name = max(class, len(r[i].Class)), max(name, len(r[i].Name))
	}
	for i := range r {
		if _, err := fmt.Fprintf(w, "%s %-*s  %-*s  %s\n", mark(r[i].Status, ascii), class, r[i].Class, name, r[i].Name, oneLine(r[i].Text())); err != nil {
			return err
		}
	}
	return nil
}

// mark stands before a line.
func mark(s Status, ascii bool) string {
	marks := map[Status]string{OK: "✓", Warn: "!", Fail: "✗", Skip: "-"}
	if ascii {
		marks = map[Status]string{OK: "ok  ", Warn: "warn", Fail: "FAIL", Skip: "skip"}
	}
	return marks[s]
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// WriteJSON writes the report for machines.
func (r Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	if r == nil {
		r = Report{}
	}
	return encoder.Encode(struct {
		OK      bool   `json:"ok"`
		Code    int    `json:"exit_code"`
		Results Report `json:"results"`
	}{r.ExitCode() == 0, r.ExitCode(), r})
}
