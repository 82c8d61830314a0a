package functions

import (
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) style() []sandbox.Function {
	span := func(mark string) func(string) string {
		return func(s string) string { return env.span(mark, s) }
	}
	return []sandbox.Function{
		define("strong", "TEXT", "in bold (XEP-0393), as the three below", span("*")),
		define("emph", "TEXT", "emphasised", span("_")),
		define("code", "TEXT", "in a fixed width", span("`")),
		define("blockquote", "TEXT", "every line as a quotation", blockquote),
	}
}

// span styles s, if nothing in it would end the style.
func (env Env) span(mark, s string) string {
	s = env.OneLine(s)
	if s == "" || strings.Contains(s, mark) {
		return s
	}
	return mark + strings.TrimPrefix(s, "\u2060") + mark
}

func blockquote(s string) (string, error) {
	return "> " + strings.ReplaceAll(s, "\n", "\n> "), fits(len(s) + 2*strings.Count(s, "\n"))
}
