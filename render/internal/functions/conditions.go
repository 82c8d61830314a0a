package functions

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) conditions() []sandbox.Function {
	order := func(holds func(order int) bool) func(a, b any) (bool, error) {
		return func(a, b any) (bool, error) {
			if a == nil || b == nil {
				return false, nil
			}
			order, err := env.compare(a, b)
			return holds(order), err
		}
	}
	return []sandbox.Function{
		define("eq", "A B...", "whether A is equal to one of the others; a number is equal to its text, and what is absent to `\"\"`", env.equalsAny),
		define("ne", "A B", "whether they differ", func(a, b any) (bool, error) {
			same, err := env.equal(a, b)
			return !same, err
		}),
		define("lt", "A B", "whether A is less, of numbers, texts and times", order(func(o int) bool { return o < 0 })),
		define("le", "A B", "whether A is at most B", order(func(o int) bool { return o <= 0 })),
		define("gt", "A B", "whether A is greater", order(func(o int) bool { return o > 0 })),
		define("ge", "A B", "whether A is at least B", order(func(o int) bool { return o >= 0 })),
		define("default", "FALLBACK VALUE", "the value, or the fallback if it is empty", fallback),
		define("coalesce", "VALUE...", "the first that is not empty", coalesce),
		define("ternary", "YES NO CONDITION", "YES if the condition holds, else NO", func(yes, no any, condition bool) any {
			if condition {
				return yes
			}
			return no
		}),
		define("empty", "VALUE", "whether it is absent, `\"\"`, 0, false or without elements", empty),
		define("all", "VALUE...", "whether none is empty", func(values ...any) bool {
			return !slices.ContainsFunc(values, empty)
		}),
		define("any", "VALUE...", "whether one is not empty", func(values ...any) bool { return coalesce(values...) != nil }),
	}
}

// empty is what if takes as false; so is a time that nobody gave.
func empty(value any) bool {
	if t, ok := value.(time.Time); ok {
		return t.IsZero()
	}
	truth, _ := template.IsTrue(value)
	return !truth
}

func fallback(otherwise, value any) any {
	if empty(value) {
		return otherwise
	}
	return value
}

func coalesce(values ...any) any {
	for _, value := range values {
		if !empty(value) {
			return value
		}
	}
	return nil
}

func (env Env) equalsAny(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, sandbox.Mismatch("there is nothing to compare with")
	}
	for _, b := range others {
		if same, err := env.equal(a, b); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

func (env Env) equal(a, b any) (bool, error) {
	if a == nil || b == nil {
		return sandbox.Text(a) == sandbox.Text(b), nil
	}
	_, numberA := sandbox.Number(a)
	_, numberB := sandbox.Number(b)
	if numberA != numberB {
		return false, nil
	}
	order, err := env.compare(a, b)
	return order == 0, err
}

// compare returns less than, equal to, or greater than 0.
func (env Env) compare(a, b any) (int, error) {
	if s, t, ok := both[string](a, b); ok {
		return strings.Compare(env.Bare(s), env.Bare(t)), nil
	}
	if s, t, ok := both[time.Time](a, b); ok {
		return s.Compare(t), nil
	}
	if s, t, ok := both[bool](a, b); ok {
		return strings.Compare(sandbox.Text(s), sandbox.Text(t)), nil
	}
	s, numberA := sandbox.Number(a)
	t, numberB := sandbox.Number(b)
	if numberA && numberB {
		if i, j, ok := both[int](a, b); ok { // exact
			return cmp.Compare(i, j), nil
		}
		return cmp.Compare(s, t), nil
	}
	return 0, sandbox.Mismatch("%s and %s cannot be compared", sandbox.Kind(reflect.TypeOf(a)), sandbox.Kind(reflect.TypeOf(b)))
}

func both[T any](a, b any) (x, y T, ok bool) {
	x, isX := a.(T)
	y, isY := b.(T)
	return x, y, isX && isY
}
