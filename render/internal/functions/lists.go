package functions

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	sprout "github.com/go-sprout/sprout/registry/slices"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) lists() []sandbox.Function {
	lib := sprout.NewRegistry()
	return []sandbox.Function{
		define("list", "VALUE...", "a list of the values", func(values ...any) []any { return values }, "tuple"),
		define("stringSlice", "TEXT...", "likewise, of texts", func(texts ...string) []string { return texts }),
		define("join", "SEPARATOR LIST", "one text of the elements", Join),
		define("splitList", "SEPARATOR TEXT", "a list of the parts", splitList),
		define("split", "SEPARATOR TEXT", "a map of the parts: `._0`, `._1` …", splitMap),
		define("len", "VALUE", "how many elements, or bytes of a text", length),
		define("index", "VALUE KEY...", "the element there, and the element of that …; what is not there is absent", index),
		define("slice", "VALUE FROM TO", "the elements, or bytes of a text, from FROM up to TO", part),
		define("first", "LIST", "its first element", func(list []any) (any, error) { return lib.First(list) }),
		define("last", "LIST", "its last element", func(list []any) (any, error) { return lib.Last(list) }),
		define("rest", "LIST", "all but the first", func(list []any) ([]any, error) { return lib.Rest(list) }),
		define("initial", "LIST", "all but the last", func(list []any) ([]any, error) { return lib.Initial(list) }),
		define("append", "LIST VALUE...", "with the values at its end", func(list []any, values ...any) []any { return slices.Concat(list, values) }, "push"),
		define("prepend", "LIST VALUE", "with the value at its begin", func(list []any, value any) ([]any, error) { return lib.Prepend(value, list) }),
		define("concat", "LIST...", "one list of all", func(lists ...[]any) []any { return slices.Concat(lists...) }),
		define("reverse", "LIST", "in the reverse order", func(list []any) ([]any, error) { return lib.Reverse(list) }),
		define("uniq", "LIST", "each element once", func(list []any) ([]any, error) { return lib.Uniq(list) }),
		define("compact", "LIST", "without empty elements", func(list []any) ([]any, error) { return lib.Compact(list) }),
		define("sortAlpha", "LIST", "in the order of their texts", func(list []any) []string { return lib.SortAlpha(list) }),
		define("has", "VALUE LIST", "whether the value is in the list", env.has),
		define("without", "LIST VALUE...", "without these values", env.without),
		define("until", "N", "the numbers from 0 up to N", func(n int) ([]int, error) { return steps(0, n, 1) }),
		define("untilStep", "FROM TO STEP", "the numbers from FROM up to TO", steps),
	}
}

func (env Env) maps() []sandbox.Function {
	return []sandbox.Function{
		define("dict", "KEY VALUE...", "a map", dict),
		define("get", "MAP KEY", "the value of the key", func(m map[string]any, key string) any { return m[key] }),
		define("hasKey", "MAP KEY", "whether there is one", func(m map[string]any, key string) bool {
			_, found := m[key]
			return found
		}),
		define("keys", "MAP", "its keys, sorted", func(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }),
		define("values", "MAP", "its values, in the order of the keys", values),
		define("pick", "MAP KEY...", "with these keys only", filter(true)),
		define("omit", "MAP KEY...", "without these keys", filter(false)),
		define("dig", "KEY... FALLBACK MAP", "the value at the end of the keys, or the fallback", dig),
	}
}

// Join stops before the text becomes too large.
func Join(sep string, list []any) (string, error) {
	var b strings.Builder
	for i, element := range list {
		text := sandbox.Text(element)
		if err := fits(b.Len() + len(sep) + len(text)); err != nil {
			return "", err
		}
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(text)
	}
	return b.String(), nil
}

// maxParts is more than a loop can turn.
const maxParts = 10_001

func splitList(sep, s string) []string { return strings.SplitN(s, sep, maxParts) }

func splitMap(sep, s string) map[string]string {
	parts := make(map[string]string)
	for i, part := range splitList(sep, s) {
		parts[fmt.Sprintf("_%d", i)] = part
	}
	return parts
}

func length(value any) (int, error) {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return 0, nil
	case reflect.Map, reflect.Slice, reflect.Array, reflect.String:
		return v.Len(), nil
	default:
		return 0, sandbox.Mismatch("%s has no length", sandbox.Kind(v.Type()))
	}
}

// index returns value[keys[0]][keys[1]] and so on, nil if one is not there.
func index(value any, keys ...any) (any, error) {
	for _, key := range keys {
		v := reflect.ValueOf(value)
		value = nil
		switch v.Kind() {
		case reflect.Invalid:
		case reflect.Slice, reflect.Array, reflect.String:
			i, ok := sandbox.Number(key)
			if !ok {
				return nil, sandbox.Mismatch("expected a number for %s, got %s", sandbox.Kind(v.Type()), sandbox.Text(key))
			}
			if i >= 0 && i < float64(v.Len()) {
				value = v.Index(int(i)).Interface()
			}
		case reflect.Map:
			if element := v.MapIndex(reflect.ValueOf(sandbox.Text(key)).Convert(v.Type().Key())); element.IsValid() {
				value = element.Interface()
			}
		default:
			return nil, sandbox.Mismatch("%s has no elements", sandbox.Kind(v.Type()))
		}
	}
	return value, nil
}

// part is slice of text/template; bounds beyond the end are the end.
func part(value any, bounds ...int) (any, error) {
	v := reflect.ValueOf(value)
	switch v.Kind() {
	case reflect.Invalid:
		return nil, nil
	case reflect.Slice, reflect.String:
	default:
		return nil, sandbox.Mismatch("%s has no parts", sandbox.Kind(v.Type()))
	}
	limits := [2]int{0, v.Len()}
	if len(bounds) > len(limits) {
		return nil, sandbox.Mismatch("expected at most two bounds, got %d", len(bounds))
	}
	for i, bound := range bounds {
		limits[i] = min(max(bound, 0), v.Len())
	}
	return v.Slice(min(limits[0], limits[1]), limits[1]).Interface(), nil
}

func (env Env) has(value any, list []any) (bool, error) {
	for _, element := range list {
		if same, err := env.equal(element, value); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

func (env Env) without(list []any, values ...any) ([]any, error) {
	var rest []any
	for _, element := range list {
		found, err := env.has(element, values)
		if err != nil {
			return nil, err
		}
		if !found {
			rest = append(rest, element)
		}
	}
	return rest, nil
}

func steps(from, to, step int) ([]int, error) {
	if step == 0 || (float64(to)-float64(from))/float64(step) > maxParts {
		return nil, sandbox.Mismatch("more than %d numbers", maxParts)
	}
	var numbers []int
	for i := from; step > 0 && i < to || step < 0 && i > to; i += step {
		numbers = append(numbers, i)
	}
	return numbers, nil
}

func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, sandbox.Mismatch("a key has no value")
	}
	m := make(map[string]any, len(pairs)/2)
	for pair := range slices.Chunk(pairs, 2) {
		m[sandbox.Text(pair[0])] = pair[1]
	}
	return m, nil
}

func values(m map[string]any) (all []any) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		all = append(all, m[key])
	}
	return all
}

// filter keeps the keys that are in the list, or those that are not.
func filter(listed bool) func(m map[string]any, keys ...string) map[string]any {
	return func(m map[string]any, keys ...string) map[string]any {
		m = maps.Clone(m)
		maps.DeleteFunc(m, func(key string, _ any) bool { return slices.Contains(keys, key) != listed })
		return m
	}
}

// dig is Sprig's: dig "a" "b" "fallback" map.
func dig(args ...any) (any, error) {
	if len(args) < 3 {
		return nil, sandbox.Mismatch("expected keys, a fallback and a map")
	}
	keys, otherwise, m := args[:len(args)-2], args[len(args)-2], args[len(args)-1]
	found, err := index(m, keys...)
	if found == nil {
		found = otherwise
	}
	return found, err
}
