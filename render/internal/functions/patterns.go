package functions

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) patterns() []sandbox.Function {
	return []sandbox.Function{
		define("match", "PATTERN TEXT", "whether the text has what the pattern describes", apply(func(re *regexp.Regexp, s string) bool { return re.MatchString(env.Bare(s)) }), "regexMatch"),
		define("reReplaceAll", "PATTERN NEW TEXT", "with all that the pattern describes replaced; `$1` is its first group", replaceAll),
		define("regexReplaceAll", "PATTERN TEXT NEW", "likewise, in Helm's order", func(pattern, s, with string) (string, error) {
			return replaceAll(pattern, with, s)
		}),
		define("regexFind", "PATTERN TEXT", "the first part that the pattern describes", apply((*regexp.Regexp).FindString)),
		define("regexFindAll", "PATTERN TEXT N", "the first N parts as a list; all, if N is negative", applyN((*regexp.Regexp).FindAllString)),
		define("regexSplit", "PATTERN TEXT N", "the parts between, at most N; all, if N is negative", applyN((*regexp.Regexp).Split)),
	}
}

// maxWork bounds how long a match takes: the size of the compiled pattern times
// the length of the text.
const (
	maxPattern = 1000
	maxWork    = 1 << 20
)

// compile reads a pattern that takes a bounded time for s.
func compile(pattern, s string) (*regexp.Regexp, error) {
	if len(pattern) > maxPattern {
		return nil, sandbox.Mismatch("the pattern has more than %d bytes", maxPattern)
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, sandbox.Mismatch("%v", err)
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst)*len(s) > maxWork {
		return nil, sandbox.Mismatch("the pattern is too complex for a text of %d bytes", len(s))
	}
	return regexp.Compile(pattern)
}

// replaceAll stops before the text becomes too large.
func replaceAll(pattern, with, s string) (string, error) {
	re, err := compile(pattern, s)
	if err != nil {
		return "", err
	}
	var out []byte
	last := 0
	for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
		out = append(out, s[last:at[0]]...)
		if err := fits(len(out) + len(with) + strings.Count(with, "$")*len(s)); err != nil {
			return "", err
		}
		out = re.ExpandString(out, with, s, at)
		last = at[1]
	}
	return string(append(out, s[last:]...)), nil
}

// apply makes a function of a method of a pattern.
func apply[T any](method func(re *regexp.Regexp, s string) T) func(pattern, s string) (T, error) {
	return func(pattern, s string) (result T, err error) {
		re, err := compile(pattern, s)
		if err != nil {
			return result, err
		}
		return method(re, s), nil
	}
}

// applyN does so for a method that has a number, too.
func applyN(method func(re *regexp.Regexp, s string, n int) []string) func(pattern, s string, n int) ([]string, error) {
	return func(pattern, s string, n int) ([]string, error) {
		return apply(func(re *regexp.Regexp, s string) []string { return method(re, s, n) })(pattern, s)
	}
}
