package functions

import (
	"math"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) numbers() []sandbox.Function {
	return []sandbox.Function{
		define("add", "N...", "the sum", fold(func(a, b float64) float64 { return a + b }), "addf"),
		define("add1", "N", "one more", func(n float64) any { return whole(n + 1) }),
		define("sub", "A B...", "A less the others", fold(func(a, b float64) float64 { return a - b }), "subf"),
		define("mul", "N...", "the product", fold(func(a, b float64) float64 { return a * b }), "mulf"),
		define("div", "A B", "the quotient, as a whole number", fold(func(a, b float64) float64 { return math.Trunc(a / b) })),
		define("divf", "A B...", "the quotient", fold(func(a, b float64) float64 { return a / b })),
		define("mod", "A B", "the remainder", fold(math.Mod)),
		define("round", "N DIGITS", "rounded to so many digits after the point", func(n float64, digits int) float64 {
			return math.Round(n*math.Pow10(digits)) / math.Pow10(digits)
		}),
		define("floor", "N", "the next whole number below", math.Floor),
		define("ceil", "N", "the next whole number above", math.Ceil),
		define("min", "N...", "the least", fold(math.Min)),
		define("max", "N...", "the greatest", fold(math.Max)),
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

// fold makes a function of any number of numbers out of one of two.
func fold(f func(a, b float64) float64) func(float64, ...float64) (any, error) {
	return func(result float64, others ...float64) (any, error) {
		for _, n := range others {
			result = f(result, n)
		}
		if math.IsInf(result, 0) || math.IsNaN(result) {
			return nil, sandbox.Mismatch("the result is no number: divided by zero?")
		}
		return whole(result), nil
	}
}
