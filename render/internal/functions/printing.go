package functions

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"text/template"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) printing() []sandbox.Function {
	return []sandbox.Function{
		define("printf", "FORMAT VALUE...", "as in Go; numbers fit every verb for numbers", printf),
		define("print", "VALUE...", "one after the other", func(values ...any) string { return fmt.Sprint(printable(values)...) }),
		define("println", "VALUE...", "with spaces between and an end of line", func(values ...any) string { return fmt.Sprintln(printable(values)...) }),
		define("html", "VALUE...", "escaped for HTML", func(values ...any) string { return template.HTMLEscaper(printable(values)...) }),
		define("js", "VALUE...", "escaped for JavaScript", func(values ...any) string { return template.JSEscaper(printable(values)...) }),
		define("urlquery", "VALUE...", "escaped for the query of an address", func(values ...any) string {
			return template.URLQueryEscaper(env.Bare(fmt.Sprint(printable(values)...)))
		}),
		define("safeHtml", "TEXT", "the text as it is: nothing here is HTML", func(s string) string { return s }, "safeUrl"),
	}
}

// printable makes texts of what fmt would print in another way than templates.
func printable(values []any) []any {
	texts := make([]any, len(values))
	for i, value := range values {
		if texts[i] = value; value == nil || reflect.ValueOf(value).CanFloat() {
			texts[i] = sandbox.Text(value)
		}
	}
	return texts
}

// printf is that of fmt, unless it could take more than a few times the size
// that a value may have.
func printf(format string, values ...any) (string, error) {
	args := make([]any, len(values))
	for i, value := range values {
		args[i] = number(value)
	}
	if cost(format, args) > 16*sandbox.MaxBytes {
		return "", sandbox.ErrSize
	}
	return fmt.Sprintf(format, args...), nil
}

// cost is the most that a format could print: each verb prints its argument
// once, each value in that padded to the greatest width or precision.
func cost(format string, args []any) int {
	verbs := strings.Count(format, "%")
	width := 400 // of a float without any
	for digits := range strings.FieldsFuncSeq(format, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.Atoi(digits)
		if err != nil {
			n = sandbox.MaxBytes
		}
		width = max(width, min(n, 1<<20))
	}
	nodes, bytes := 1, 0
	for _, arg := range args {
		n, b := size(reflect.ValueOf(arg))
		nodes, bytes = max(nodes, n), max(bytes, b)
		if whole, ok := arg.(integer); ok && strings.Contains(format, "*") {
			width = max(width, int(min(max(whole, -whole), 1<<20)))
		}
	}
	return len(format) + verbs*(nodes*width+6*bytes)
}

// ownText is about the longest text of a value that prints itself.
const ownText = 4000

// size counts the values in v, and the bytes of their texts.
func size(v reflect.Value) (nodes, bytes int) {
	if v.Kind() == reflect.Struct && v.Type().Implements(reflect.TypeFor[fmt.Stringer]()) {
		return 1, ownText
	}
	switch v.Kind() {
	case reflect.String:
		return 1, v.Len()
	case reflect.Interface, reflect.Pointer:
		return size(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			n, b := size(v.Index(i))
			nodes, bytes = nodes+n, bytes+b
		}
	case reflect.Map:
		for m := v.MapRange(); m.Next(); {
			n, b := size(m.Value())
			nodes, bytes = nodes+n+1, bytes+b+m.Key().Len()
		}
	case reflect.Struct:
		for _, field := range v.Fields() {
			n, b := size(field)
			nodes, bytes = nodes+n, bytes+b
		}
	default:
	}
	return nodes + 1, bytes
}

// integer and decimal are numbers that every verb for numbers can print: a
// publisher writes 5 where it means 5.0.
type (
	integer int64
	decimal float64
)

// number returns a number as one of these, and any other value as it is.
func number(value any) any {
	v := reflect.ValueOf(value)
	switch _, named := value.(fmt.Stringer); {
	case named || !v.IsValid():
	case v.CanInt():
		return integer(v.Int())
	case v.CanFloat():
		return decimal(v.Float())
	}
	return value
}

// Format implements fmt.Formatter.
func (n integer) Format(f fmt.State, verb rune) {
	switch verb {
	case 'e', 'E', 'f', 'F', 'g', 'G':
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), float64(n))
	case 's':
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, 'd'), int64(n))
	default:
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), int64(n))
	}
}

// Format implements fmt.Formatter.
func (n decimal) Format(f fmt.State, verb rune) {
	x := float64(n)
	switch {
	case strings.ContainsRune("bcdoOxXqU", verb) && x == math.Trunc(x) && math.Abs(x) < 1<<53:
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), int64(x))
	case verb == 'v' || verb == 's':
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, 's'), sandbox.Text(x))
	default:
		_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), x)
	}
}
