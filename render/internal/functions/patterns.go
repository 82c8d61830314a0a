package functions

import (
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) patterns() []sandbox.Function {
	return []sandbox.Function{
		define("match", "PATTERN TEXT", "whether the text has what the pattern describes", env.match, "regexMatch"),
		define("reReplaceAll", "PATTERN NEW TEXT", "with all that the pattern describes replaced; `$1` is its first group", replaceAll),
		define("regexReplaceAll", "PATTERN TEXT NEW", "likewise, in Helm's order", func(pattern, s, with string) (string, error) {
			return replaceAll(pattern, with, s)
		}),
		define("regexFind", "PATTERN TEXT", "the first part that the pattern describes", find),
		define("regexFindAll", "PATTERN TEXT N", "the first N parts as a list; all, if N is negative", findAll),
		define("regexSplit", "PATTERN TEXT N", "the parts between, at most N; all, if N is negative", split),
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

func (env Env) match(pattern, s string) (bool, error) {
	re, err := compile(pattern, s)
	if err != nil {
		return false, err
	}
	return re.MatchString(env.Bare(s)), nil
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

func find(pattern, s string) (string, error) {
	re, err := compile(pattern, s)
	if err != nil {
		return "", err
	}
	return re.FindString(s), nil
}

func findAll(pattern, s string, n int) ([]string, error) {
	re, err := compile(pattern, s)
	if err != nil {
		return nil, err
	}
	return re.FindAllString(s, n), nil
}

func split(pattern, s string, n int) ([]string, error) {
	re, err := compile(pattern, s)
	if err != nil {
		return nil, err
	}
	return re.Split(s, n), nil
}
