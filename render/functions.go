package render

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/template"
	"time"
)

// functions returns the helpers of templates. None can give more than
// maxOutput bytes, and those of text/template that could are replaced.
func functions(c Config) map[string]any {
	return map[string]any{
		"upper":     strings.ToUpper,
		"lower":     strings.ToLower,
		"trim":      strings.TrimSpace,
		"contains":  func(part, s string) bool { return strings.Contains(s, part) },
		"hasPrefix": func(prefix, s string) bool { return strings.HasPrefix(s, prefix) },
		"replace":   func(old, with, s string) (string, error) { return bounded(strings.ReplaceAll(s, old, with)) },
		"split":     func(sep, s string) []string { return strings.SplitN(s, sep, maxSteps) },
		"join":      join,
		"default":   func(fallback, value any) any { return orElse(fallback, value) },

		"oneline": oneLine,
		"lines":   func(n int, s string) string { return Config{MaxLines: max(n, 1), MaxBytes: maxOutput}.cut(s) },
		"cut":     func(n int, s string) string { return shorten(s, max(n, 1)) },
		"json":    func(v any) (string, error) { return toJSON(v, c) },
		"date":    date,
		"since":   func(from, to time.Time) string { return to.Sub(from).Round(time.Second).String() },

		"strong": func(s string) string { return span("*", s) },
		"emph":   func(s string) string { return span("_", s) },
		"code":   func(s string) string { return span("`", s) },
		"quote":  func(s string) (string, error) { return bounded("> " + strings.ReplaceAll(s, "\n", "\n> ")) },

		"printf":   printf,
		"print":    func(args ...any) (string, error) { return bounded(fmt.Sprint(args...)) },
		"println":  func(args ...any) (string, error) { return bounded(fmt.Sprintln(args...)) },
		"html":     func(args ...any) (string, error) { return bounded(template.HTMLEscaper(args...)) },
		"js":       func(args ...any) (string, error) { return bounded(template.JSEscaper(args...)) },
		"urlquery": func(args ...any) (string, error) { return bounded(template.URLQueryEscaper(args...)) },
	}
}

func bounded(s string) (string, error) {
	if len(s) > maxOutput {
		return "", errOutput
	}
	return s, nil
}

// wide finds what makes fmt pad a value beyond reason.
var wide = regexp.MustCompile(`\*|[0-9]{4}`)

// printf is that of fmt, without formats that may come from a payload and ask
// for megabytes.
func printf(format string, args ...any) (string, error) {
	if len(format) > maxTitleBytes || wide.MatchString(format) {
		return "", errors.New("printf: the format is too long, or has a width of more than three digits")
	}
	return bounded(fmt.Sprintf(format, args...))
}

func join(sep string, list any) (string, error) {
	switch list := list.(type) {
	case []string:
		return bounded(strings.Join(list, sep))
	case []any:
		var b strings.Builder
		for i, v := range list {
			if i > 0 {
				b.WriteString(sep)
			}
			if fmt.Fprint(&b, v); b.Len() > maxOutput {
				return "", errOutput
			}
		}
		return b.String(), nil
	case nil:
		return "", nil
	}
	return "", fmt.Errorf("join: expected a list, got %T", list)
}

// orElse returns fallback for whatever template.IsTrue takes as false.
func orElse(fallback, value any) any {
	if truth, ok := template.IsTrue(value); ok && truth {
		return value
	}
	return fallback
}

func toJSON(v any, c Config) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	// The strings in v are safe, but not what JSON makes of them.
	return bounded(c.safe(strings.ReplaceAll(string(text), joiner, "")))
}

// date formats t as layout says, in the zone of t or in the one named; "" if
// there is no time.
func date(layout string, args ...any) (string, error) {
	t, ok := args[len(args)-1].(time.Time)
	if !ok || len(args) > 2 {
		return "", errors.New(`date: expected a layout, perhaps a time zone, and a time, like date "15:04" "Europe/Berlin" .Time`)
	}
	if t.IsZero() {
		return "", nil
	}
	name, _ := args[0].(string)
	zone, err := time.LoadLocation(cmp.Or(name, "UTC"))
	if err != nil {
		return "", fmt.Errorf("date: %w", err)
	}
	return bounded(t.In(zone).Format(layout))
}

// span styles s, if nothing in it would end the style.
func span(mark, s string) string {
	s = strings.TrimPrefix(oneLine(s), joiner)
	if s == "" || strings.Contains(s, mark) {
		return s
	}
	return mark + s + mark
}
