package sandbox

import (
	"errors"
	"fmt"
	"reflect"
	"text/template"
)

// Function is one that templates can call.
type Function struct {
	// Name is what templates call it, Aliases are its other names.
	Name    string
	Aliases []string
	// Args names its arguments, Does says what it does, for people.
	Args, Does string
	// Call is a Go function with one result, or a result and an error. Its
	// arguments are converted: what is absent is the zero value, and a number is
	// a text where it has to be. It must not build more than a few times
	// MaxBytes, and must not change its arguments.
	Call any
}

// bind makes what text/template calls, for one execution after the other.
func (t *Template) bind(r *run) template.FuncMap {
	all := make(template.FuncMap, len(t.functions))
	for i := range t.functions {
		bound := r.bind(&t.functions[i])
		all[t.functions[i].Name] = bound
		for _, alias := range t.functions[i].Aliases {
			all[alias] = bound
		}
	}
	return all
}

// bind wraps a function: in time, with converted arguments, and with a result
// within bounds. The result is a reflect.Value so that nothing is the same as an
// absent member, which can be asked for members of its own.
func (r *run) bind(f *Function) func(args ...any) (reflect.Value, error) {
	call := reflect.ValueOf(f.Call)
	return func(args ...any) (result reflect.Value, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("%v", p)
			}
			if err != nil && !isBound(err) {
				err = &callError{f, err}
			}
		}()
		if err := r.inTime(); err != nil {
			return result, err
		}
		in, err := arguments(call.Type(), args)
		if err == nil {
			err = r.add(in...)
		}
		if err != nil {
			return result, err
		}
		if result, err = results(call.Call(in)); err == nil {
			err = r.add(result)
		}
		return result, err
	}
}

// results returns the value of a call, if it is within bounds.
func results(out []reflect.Value) (reflect.Value, error) {
	if len(out) > 1 {
		if err, failed := reflect.TypeAssert[error](out[1]); failed && err != nil {
			return reflect.Value{}, err
		}
	}
	value := out[0]
	if value.Kind() == reflect.Interface {
		value = value.Elem()
	}
	if !value.IsValid() || weight(value, MaxBytes) <= MaxBytes {
		return value, nil
	}
	return reflect.Value{}, ErrSize
}

// callError says how the function is meant.
type callError struct {
	function *Function
	err      error
}

func (e *callError) Error() string {
	if errors.As(e.err, new(*mismatch)) {
		return fmt.Sprintf("%s: %v: write %s %s", e.function.Name, e.err, e.function.Name, e.function.Args)
	}
	return fmt.Sprintf("%s: %v", e.function.Name, e.err)
}

func (e *callError) Unwrap() error { return e.err }

// weight is about how many bytes a value takes, as far as the limit: values
// that hold another one twice are counted twice, as they would be printed.
func weight(v reflect.Value, limit int) int {
	const each, ownText = 4, 32
	sum := each
	switch {
	case limit <= 0 || !v.IsValid():
		return sum
	case v.Kind() == reflect.Struct && v.Type().Implements(reflect.TypeFor[fmt.Stringer]()):
		return ownText // which is short whatever is in it
	}
	switch v.Kind() {
	case reflect.String:
		sum += v.Len()
	case reflect.Interface, reflect.Pointer:
		sum += weight(v.Elem(), limit-sum)
	case reflect.Struct:
		for i := 0; i < v.NumField() && sum <= limit; i++ {
			sum += weight(v.Field(i), limit-sum)
		}
	case reflect.Slice, reflect.Array:
		for i := 0; i < v.Len() && sum <= limit; i++ {
			sum += weight(v.Index(i), limit-sum)
		}
	case reflect.Map:
		for m := v.MapRange(); sum <= limit && m.Next(); {
			sum += weight(m.Key(), limit-sum) + weight(m.Value(), limit-sum)
		}
	default:
	}
	return sum
}
