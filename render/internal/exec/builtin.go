package exec

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
)

// builtins are the functions of text/template that make no text. The parser
// needs the names of all, the execution does and and or itself.
func builtins() map[string]any {
	return map[string]any{
		"and": true, "or": true,
		"not": func(value any) bool { return !truth(value) },
		"len": length, "index": index, "slice": slice,
		"eq": eq,
		"ne": func(a, b any) (bool, error) { same, err := equal(a, b); return !same, err },
		"lt": func(a, b any) (bool, error) { order, err := compare(a, b); return order < 0, err },
		"le": func(a, b any) (bool, error) { order, err := compare(a, b); return order <= 0, err },
		"gt": func(a, b any) (bool, error) { order, err := compare(a, b); return order > 0, err },
		"ge": func(a, b any) (bool, error) { order, err := compare(a, b); return order >= 0, err },
	}
}

var errNil = errors.New("there is nothing to take an element of")

func length(value any) (int, error) {
	v := reflect.Indirect(reflect.ValueOf(value))
	switch v.Kind() {
	case reflect.Map, reflect.Slice, reflect.Array, reflect.String:
		return v.Len(), nil
	default:
		return 0, fmt.Errorf("a %T has no length", value)
	}
}

// index returns value[indexes[0]][indexes[1]] and so on.
func index(value any, indexes ...any) (any, error) {
	if value == nil {
		return nil, errNil
	}
	for _, i := range indexes {
		var err error
		if value, err = element(value, i); err != nil {
			return nil, err
		}
	}
	return value, nil
}

func element(value, index any) (any, error) {
	v := reflect.Indirect(reflect.ValueOf(value))
	switch v.Kind() {
	case reflect.Slice, reflect.Array, reflect.String:
		i, err := position(index, v.Len()-1)
		if err != nil {
			return nil, err
		}
		return v.Index(i).Interface(), nil
	case reflect.Map:
		key := reflect.ValueOf(index)
		if !key.IsValid() || !key.Type().AssignableTo(v.Type().Key()) {
			return nil, fmt.Errorf("expected a %s as index, got a %T", v.Type().Key(), index)
		}
		if found := v.MapIndex(key); found.IsValid() {
			return found.Interface(), nil
		}
		return reflect.Zero(v.Type().Elem()).Interface(), nil
	case reflect.Invalid:
		return nil, errNil
	default:
		return nil, fmt.Errorf("a %T has no elements", value)
	}
}

// position returns an index up to last.
func position(index any, last int) (int, error) {
	v := reflect.ValueOf(index)
	if !v.IsValid() || !v.CanInt() {
		return 0, fmt.Errorf("expected a number as index, got a %T", index)
	}
	if i := v.Int(); i >= 0 && i <= int64(last) {
		return int(i), nil
	}
	return 0, fmt.Errorf("index %d is out of range", v.Int())
}

// slice returns value[from:to]; both can be absent.
func slice(value any, bounds ...any) (any, error) {
	v := reflect.Indirect(reflect.ValueOf(value))
	if kind := v.Kind(); kind != reflect.Slice && kind != reflect.String {
		return nil, fmt.Errorf("a %T cannot be sliced", value)
	}
	if len(bounds) > 2 {
		return nil, errors.New("more than two bounds")
	}
	limits := [2]int{0, v.Len()}
	for i, bound := range bounds {
		var err error
		if limits[i], err = position(bound, v.Len()); err != nil {
			return nil, err
		}
	}
	if limits[0] > limits[1] {
		return nil, fmt.Errorf("%d is greater than %d", limits[0], limits[1])
	}
	return v.Slice(limits[0], limits[1]).Interface(), nil
}

// eq reports whether a is equal to one of the others.
func eq(a any, others ...any) (bool, error) {
	if len(others) == 0 {
		return false, errors.New("there is nothing to compare with")
	}
	for _, b := range others {
		if same, err := equal(a, b); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

func equal(a, b any) (bool, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case isNil(x) || isNil(y):
		return isNil(x) && isNil(y), nil
	case basic(x) != 0 || basic(y) != 0:
		order, err := compare(a, b)
		return order == 0, err
	case !x.Comparable() || !y.Comparable():
		return false, fmt.Errorf("a %T and a %T cannot be compared", a, b)
	}
	return a == b, nil
}

func isNil(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Map, reflect.Slice, reflect.Pointer:
		return v.IsNil()
	default:
		return false
	}
}

// basic returns the kind of what has an order, 0 for anything else.
func basic(v reflect.Value) reflect.Kind {
	switch {
	case !v.IsValid():
		return 0
	case v.CanInt() || v.CanUint():
		return reflect.Int
	case v.CanFloat():
		return reflect.Float64
	case v.Kind() == reflect.String:
		return reflect.String
	}
	return 0
}

// compare returns the order of two numbers or two texts: less than, equal to,
// or greater than 0.
func compare(a, b any) (int, error) {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	kind := basic(x)
	switch {
	case kind == 0 || kind != basic(y):
		return 0, fmt.Errorf("a %T and a %T cannot be compared", a, b)
	case kind == reflect.Int:
		return cmp.Compare(whole(x), whole(y)), nil
	case kind == reflect.Float64:
		return cmp.Compare(x.Float(), y.Float()), nil
	}
	return cmp.Compare(x.String(), y.String()), nil
}

// whole returns an integer; those without a sign are bytes of a text.
func whole(v reflect.Value) int64 {
	if v.CanUint() {
		return int64(v.Uint()) //nolint:gosec // a byte
	}
	return v.Int()
}
