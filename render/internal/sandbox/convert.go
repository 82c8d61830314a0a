package sandbox

import (
	"fmt"
	"math"
	"reflect"
	"text/template"
	"time"
)

// mismatch says what was expected of arguments that a function does not take.
type mismatch struct{ text string }

func (m *mismatch) Error() string { return m.text }

// Mismatch returns an error of a function about its arguments.
func Mismatch(format string, args ...any) error { return &mismatch{fmt.Sprintf(format, args...)} }

// arguments converts what a template gives to what a function takes.
func arguments(f reflect.Type, args []any) ([]reflect.Value, error) {
	fixed := f.NumIn()
	if f.IsVariadic() {
		fixed--
	}
	switch {
	case len(args) < fixed && f.IsVariadic():
		return nil, Mismatch("expected at least %d arguments, got %d", fixed, len(args))
	case len(args) < fixed, len(args) > fixed && !f.IsVariadic():
		return nil, Mismatch("expected %d arguments, got %d", fixed, len(args))
	}
	in := make([]reflect.Value, len(args))
	for i, arg := range args {
		want := f.In(min(i, f.NumIn()-1))
		if i >= fixed {
			want = want.Elem()
		}
		value, err := convert(arg, want)
		if err != nil {
			return nil, err
		}
		in[i] = value
	}
	return in, nil
}

// convert returns value as the type that is wanted.
func convert(value any, want reflect.Type) (reflect.Value, error) {
	v := reflect.ValueOf(value)
	switch {
	case !v.IsValid():
		return reflect.Zero(want), nil
	case v.Type().AssignableTo(want):
		return v, nil
	}
	switch want.Kind() {
	case reflect.Slice:
		return convertList(v, want)
	case reflect.Map:
		return convertMap(v, want)
	default:
		if converted, ok := scalar(value, want); ok {
			return converted, nil
		}
		return reflect.Value{}, Mismatch("expected %s, got %s", Kind(want), Kind(v.Type()))
	}
}

func scalar(value any, want reflect.Type) (reflect.Value, bool) {
	switch want {
	case reflect.TypeFor[time.Time]():
		t, ok := Time(value)
		return reflect.ValueOf(t), ok
	case reflect.TypeFor[time.Duration]():
		d, ok := duration(value)
		return reflect.ValueOf(d), ok
	}
	switch want.Kind() {
	case reflect.String:
		if isScalar(value) {
			return reflect.ValueOf(Text(value)), true
		}
	case reflect.Int:
		if f, ok := Number(value); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return reflect.ValueOf(int(f)), true
		}
	case reflect.Float64:
		if f, ok := Number(value); ok {
			return reflect.ValueOf(f), true
		}
	case reflect.Bool:
		truth, ok := template.IsTrue(value)
		return reflect.ValueOf(truth), ok
	default:
	}
	return reflect.Value{}, false
}

func isScalar(value any) bool {
	v := reflect.ValueOf(value)
	_, prints := value.(fmt.Stringer)
	return prints || v.Kind() == reflect.String || v.Kind() == reflect.Bool || v.CanInt() || v.CanFloat() || v.CanUint()
}

func convertList(v reflect.Value, want reflect.Type) (reflect.Value, error) {
	if v.Kind() != reflect.Slice && v.Kind() != reflect.Array {
		return reflect.Value{}, Mismatch("expected a list, got %s", Kind(v.Type()))
	}
	list := reflect.MakeSlice(want, v.Len(), v.Len())
	for i := range v.Len() {
		element, err := convert(v.Index(i).Interface(), want.Elem())
		if err != nil {
			return reflect.Value{}, err
		}
		list.Index(i).Set(element)
	}
	return list, nil
}

func convertMap(v reflect.Value, want reflect.Type) (reflect.Value, error) {
	if v.Kind() != reflect.Map || v.Type().Key().Kind() != reflect.String {
		return reflect.Value{}, Mismatch("expected a map, got %s", Kind(v.Type()))
	}
	all := reflect.MakeMapWithSize(want, v.Len())
	for m := v.MapRange(); m.Next(); {
		element, err := convert(m.Value().Interface(), want.Elem())
		if err != nil {
			return reflect.Value{}, err
		}
		all.SetMapIndex(m.Key().Convert(want.Key()), element)
	}
	return all, nil
}
