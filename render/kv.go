package render

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/functions"
)

// KV is labels or annotations, with the methods that Alertmanager's templates
// call.
type KV map[string]string

// SortedPairs returns them with alertname first, then in the order of the names.
func (kv KV) SortedPairs() Pairs {
	names := slices.SortedFunc(maps.Keys(kv), func(a, b string) int {
		if (a == "alertname") != (b == "alertname") {
			if a == "alertname" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	pairs := make(Pairs, len(names))
	for i, name := range names {
		pairs[i] = pair{name, kv[name]}
	}
	return pairs
}

// Remove returns those without these names.
func (kv KV) Remove(names any) (KV, error) {
	list, ok := names.([]string)
	switch names := names.(type) {
	case Strings:
		list, ok = names, true
	case []any:
		for _, name := range names {
			list = append(list, fmt.Sprint(name))
		}
		ok = true
	}
	if !ok && names != nil {
		return nil, errors.New(`Remove: expected a list of names, like (stringSlice "a" "b")`)
	}
	rest := maps.Clone(kv)
	for _, name := range list {
		delete(rest, name)
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
