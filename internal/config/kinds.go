package config

import (
	"reflect"
	"strconv"
	"strings"
	"time"
)

// kind is a type of settings, as operators know it.
type kind struct {
	name, example string // the example is for an error
	parse         func(text string) (any, error)
}

const typeSecret = "secret"

// kinds are those that a field of a spec may have.
func kinds() map[reflect.Type]kind {
	const number = "a whole number, like 20"
	return map[reflect.Type]kind{
		reflect.TypeFor[string]():        {"text", "", parseBy(func(text string) (string, error) { return text, nil })},
		reflect.TypeFor[[]string]():      {"list", "", parseBy(parseList)},
		reflect.TypeFor[bool]():          {"boolean", "true or false", parseBy(strconv.ParseBool)},
		reflect.TypeFor[int]():           {"number", number, parseBy(strconv.Atoi)},
		reflect.TypeFor[int64]():         {"number", number, parseBy(func(text string) (int64, error) { return strconv.ParseInt(text, 10, 64) })},
		reflect.TypeFor[time.Duration](): {"duration", "a number with its unit, like 500ms, 30s or 5m", parseBy(time.ParseDuration)},
		reflect.TypeFor[Secret]():        {typeSecret, "", parseBy(parseSecret)},
	}
}

func parseBy[T any](parse func(string) (T, error)) func(string) (any, error) {
	return func(text string) (any, error) { return parse(text) }
}

// parseList takes the items between commas, without the spaces around them and
// without empty ones.
func parseList(text string) ([]string, error) {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items, nil
}
