package render

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/functions"
)

// KV is labels or annotations, with the methods that Alertmanager's templates
// call.
type KV map[string]string

// SortedPairs returns them with alertname first, then in the order of the names.
func (kv KV) SortedPairs() Pairs {
	const first = "alertname"
	names := slices.Sorted(maps.Keys(kv))
	if at, found := slices.BinarySearch(names, first); found {
		names = slices.Insert(slices.Delete(names, at, at+1), 0, first)
	}
	pairs := make(Pairs, len(names))
	for i, name := range names {
		pairs[i] = pair{name, kv[name]}
	}
	return pairs
}

// Remove returns those without these names.
func (kv KV) Remove(names any) (KV, error) {
	rest := maps.Clone(kv)
	switch list := reflect.ValueOf(names); list.Kind() {
	case reflect.Invalid: // absent
	case reflect.Slice:
		for i := range list.Len() {
			delete(rest, fmt.Sprint(list.Index(i)))
		}
	default:
		return nil, errors.New(`Remove: expected a list of names, like (stringSlice "a" "b")`)
	}
	return rest, nil
}

// Names returns the names, sorted.
func (kv KV) Names() Strings { return kv.SortedPairs().Names() }

// Values returns the values, in the order of the names.
func (kv KV) Values() Strings { return kv.SortedPairs().Values() }

// String is what a template prints.
func (kv KV) String() string { return kv.SortedPairs().String() }

type pair struct{ Name, Value string }

// Pairs is a list of names and values.
type Pairs []pair

// Names returns the names.
func (p Pairs) Names() Strings { return p.all(func(each pair) string { return each.Name }) }

// Values returns the values.
func (p Pairs) Values() Strings { return p.all(func(each pair) string { return each.Value }) }

// String is what a template prints.
func (p Pairs) String() string {
	return strings.Join(p.all(func(each pair) string { return each.Name + "=" + each.Value }), ", ")
}

func (p Pairs) all(part func(pair) string) Strings {
	list := make(Strings, len(p))
	for i, each := range p {
		list[i] = part(each)
	}
	return list
}

// Strings is a list of texts.
type Strings []string

// Join returns one text of all.
func (s Strings) Join(sep string) (string, error) {
	list := make([]any, len(s))
	for i := range s {
		list[i] = s[i]
	}
	return functions.Join(sep, list)
}
