package functions

import (
	"math"
	"slices"

	"github.com/go-sprout/sprout/registry/numeric"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) numbers() []sandbox.Function {
	lib := numeric.NewRegistry()
	return []sandbox.Function{
		define("add", "N...", "the sum", calculate(lib.Add), "addf"),
		define("add1", "N", "one more", func(n float64) (any, error) { return calculate(lib.Add)(n, 1) }),
		define("sub", "A B...", "A less the others", calculate(lib.Sub), "subf"),
		define("mul", "N...", "the product", calculate(lib.Mulf), "mulf"),
		define("div", "A B", "the quotient, as a whole number", func(a, b float64) (any, error) {
			if b == 0 {
				return nil, sandbox.Mismatch("cannot divide by zero")
			}
			return whole(math.Trunc(a / b)), nil
		}),
		define("divf", "A B...", "the quotient", calculate(lib.Divf)),
		define("mod", "A B", "the remainder", func(a, b float64) (any, error) { return whole(math.Mod(a, b)), nil }),
		define("round", "N DIGITS", "rounded to so many digits after the point", func(n float64, digits int) (float64, error) { return lib.Round(n, digits) }),
		define("floor", "N", "the next whole number below", func(n float64) float64 { return math.Floor(n) }),
		define("ceil", "N", "the next whole number above", func(n float64) float64 { return math.Ceil(n) }),
		define("min", "N...", "the least", extreme(slices.Min[[]float64])),
		define("max", "N...", "the greatest", extreme(slices.Max[[]float64])),
		define("int", "VALUE", "as a whole number, 0 if it is none", func(value any) any {
			n, _ := sandbox.Number(value)
			return whole(math.Trunc(n))
		}, "int64", "toInt", "atoi"),
		define("float64", "VALUE", "as a number, 0 if it is none", func(value any) float64 {
			n, _ := sandbox.Number(value)
			return n
		}, "toFloat64"),
		define("toString", "VALUE", "as a text", sandbox.Text),
	}
}

// whole returns a number without a fraction as an int, if it fits.
func whole(n float64) any {
	if n == math.Trunc(n) && math.Abs(n) < 1<<53 {
		return int(n)
	}
	return n
}

// calculate makes a function of numbers of one of the library, which keeps the
// type of its first argument.
func calculate(f func(...any) (any, error)) func(...float64) (any, error) {
	return func(numbers ...float64) (any, error) {
		args := make([]any, len(numbers))
		for i, n := range numbers {
			args[i] = n
		}
		result, err := f(args...)
		if n, ok := result.(float64); ok {
			return whole(n), err
		}
		return result, err
	}
}

func extreme(f func([]float64) float64) func(float64, ...float64) any {
	return func(first float64, rest ...float64) any { return whole(f(append(rest, first))) }
}
