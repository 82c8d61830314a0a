package functions

import (
	"strings"
	"unicode/utf8"

	sprout "github.com/go-sprout/sprout/registry/strings"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) text() []sandbox.Function {
	lib := sprout.NewRegistry()
	is := func(test func(s, part string) bool) func(part, s string) bool {
		return func(part, s string) bool { return test(env.Bare(s), env.Bare(part)) }
	}
	return []sandbox.Function{
		define("toUpper", "TEXT", "in capital letters", lib.ToUpper, "upper"),
		define("toLower", "TEXT", "in small letters", lib.ToLower, "lower"),
		define("title", "TEXT", "each word with a capital letter", lib.ToTitleCase),
		define("untitle", "TEXT", "each word with a small letter", lib.Untitle),
		define("swapcase", "TEXT", "small letters for capital ones, and the reverse", lib.SwapCase),
		define("camelcase", "TEXT", "`LikeThis`", lib.ToPascalCase),
		define("kebabcase", "TEXT", "`like-this`", lib.ToKebabCase),
		define("snakecase", "TEXT", "`like_this`", lib.ToSnakeCase),
		define("trim", "TEXT", "without spaces around", lib.Trim, "trimSpace"),
		define("trimPrefix", "PREFIX TEXT", "without the prefix", lib.TrimPrefix),
		define("trimSuffix", "SUFFIX TEXT", "without the suffix", lib.TrimSuffix),
		define("trimAll", "CHARACTERS TEXT", "without these characters around", lib.TrimAll),
		define("nospace", "TEXT", "without any spaces", lib.Nospace),
		define("contains", "PART TEXT", "whether the text has the part", is(strings.Contains)),
		define("hasPrefix", "PREFIX TEXT", "whether it begins so", is(strings.HasPrefix)),
		define("hasSuffix", "SUFFIX TEXT", "whether it ends so", is(strings.HasSuffix)),
		define("replace", "OLD NEW TEXT", "with every OLD replaced", replace),
		define("repeat", "N TEXT", "N times", repeat),
		define("trunc", "N TEXT", "the first N characters; the last, if N is negative", truncate),
		define("substr", "FROM TO TEXT", "the characters from FROM up to TO, counted from 0", substring),
		define("abbrev", "N TEXT", "at most N characters, with `...` if it was cut", lib.Ellipsis),
		define("cut", "N TEXT", "one line of at most N bytes, with `…` if it was cut", env.Cut),
		define("lines", "N TEXT", "the first N lines, and how much was cut", env.Lines),
		define("oneline", "TEXT", "in one line", env.OneLine),
		define("wrap", "N TEXT", "in lines of N characters", func(n int, s string) string { return lib.Wrap(n, s) }),
		define("indent", "N TEXT", "every line moved by N spaces", indent),
		define("nindent", "N TEXT", "likewise, on a new line", func(n int, s string) (string, error) {
			s, err := indent(n, s)
			return "\n" + s, err
		}),
		define("initials", "TEXT", "the first letters of its words", initials),
		define("plural", "ONE MANY N", "ONE if N is 1, else MANY", lib.Plural),
		define("quote", "VALUE...", "in quotation marks", lib.Quote),
		define("squote", "VALUE...", "in single quotation marks", lib.Squote),
		define("cat", "VALUE...", "with spaces between", cat),
	}
}

// fits reports an error if a text would be larger than a template may make.
func fits(bytes int) error {
	if bytes > sandbox.MaxBytes || bytes < 0 {
		return sandbox.ErrSize
	}
	return nil
}

func replace(old, with, s string) (string, error) {
	if err := fits(len(s) + strings.Count(s, old)*(len(with)-len(old))); err != nil {
		return "", err
	}
	return strings.ReplaceAll(s, old, with), nil
}

func repeat(n int, s string) (string, error) {
	if n < 0 || n > sandbox.MaxBytes {
		return "", sandbox.Mismatch("cannot repeat %d times", n)
	}
	if err := fits(n * len(s)); err != nil {
		return "", err
	}
	return strings.Repeat(s, n), nil
}

func truncate(n int, s string) string {
	if n < 0 {
		return substring(max(0, utf8.RuneCountInString(s)+n), -1, s)
	}
	return substring(0, n, s)
}

// substring returns characters; up to the end if to is negative, as in Sprig.
func substring(from, to int, s string) string {
	characters := []rune(s)
	if to < 0 || to > len(characters) {
		to = len(characters)
	}
	return string(characters[min(max(from, 0), to):to])
}

func indent(n int, s string) (string, error) {
	if n < 0 || n > sandbox.MaxBytes {
		return "", sandbox.Mismatch("cannot indent by %d", n)
	}
	if err := fits(len(s) + n*(1+strings.Count(s, "\n"))); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

func initials(s string) string {
	var b strings.Builder
	for word := range strings.FieldsSeq(s) {
		first, _ := utf8.DecodeRuneInString(word)
		b.WriteRune(first)
	}
	return b.String()
}

func cat(values ...any) (string, error) {
	var texts []any
	for _, value := range values {
		if value != nil {
			texts = append(texts, value)
		}
	}
	return Join(" ", texts)
}
