package exec

import (
	"fmt"
	"reflect"
	"text/template/parse"
)

// function calls a function by its name.
func (s *state) function(name string, a args) (any, error) {
	if name == "and" || name == "or" {
		return s.logic(name, a)
	}
	f := s.env.Funcs[name]
	if f == nil {
		f = s.template.builtins[name]
	}
	if f == nil {
		return nil, fmt.Errorf("function %q is not defined", name)
	}
	return s.apply(name, reflect.ValueOf(f), a)
}

// logic is and, and or: the first argument that decides, else the last.
func (s *state) logic(name string, a args) (value any, err error) {
	if a.count() == 0 {
		return nil, fmt.Errorf("%s wants at least one argument", name)
	}
	for _, node := range a.nodes {
		if value, err = s.argument(a.dot, node, reflect.TypeFor[any]()); err != nil || truth(value) == (name == "or") {
			return value, err
		}
	}
	for _, value = range a.last {
	}
	return value, nil
}

// apply calls f with the arguments.
func (s *state) apply(name string, f reflect.Value, a args) (any, error) {
	t := f.Type()
	fixed := t.NumIn()
	if t.IsVariadic() {
		fixed--
	}
	if got := a.count(); got < fixed || got > fixed && !t.IsVariadic() {
		return nil, fmt.Errorf("%s wants %d arguments, got %d", name, fixed, got)
	}
	in := make([]reflect.Value, 0, a.count())
	for _, node := range a.nodes {
		want := parameter(t, len(in))
		value, err := s.argument(a.dot, node, want)
		if err == nil {
			in, err = add(in, value, want)
		}
		if err != nil {
			return nil, s.at(node, err)
		}
	}
	for _, value := range a.last {
		var err error
		if in, err = add(in, value, parameter(t, len(in))); err != nil {
			return nil, err
		}
	}
	value, err := result(f, in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}

// parameter returns the type of the parameter with that index.
func parameter(t reflect.Type, index int) reflect.Type {
	if last := t.NumIn() - 1; t.IsVariadic() && index >= last {
		return t.In(last).Elem()
	}
	return t.In(index)
}

// argument returns the value of an argument. A whole number becomes what the
// parameter wants.
func (s *state) argument(dot any, node parse.Node, want reflect.Type) (any, error) {
	number, isNumber := node.(*parse.NumberNode)
	switch value := reflect.New(want).Elem(); {
	case isNumber && number.IsInt && value.CanInt():
		value.SetInt(number.Int64)
		return value.Interface(), nil
	case isNumber && number.IsFloat && value.CanFloat():
		value.SetFloat(number.Float64)
		return value.Interface(), nil
	case node.Type() == parse.NodeNil:
		return nil, nil
	}
	return s.operand(dot, node, args{dot: dot})
}

// add appends a value if the parameter takes it.
func add(in []reflect.Value, value any, want reflect.Type) ([]reflect.Value, error) {
	v := reflect.ValueOf(value)
	switch {
	case v.IsValid() && v.Type().AssignableTo(want):
		return append(in, v), nil
	case v.IsValid():
		return nil, fmt.Errorf("expected a %s, got a %s", want, v.Type())
	case want.Kind() == reflect.Interface || want.Kind() == reflect.Slice || want.Kind() == reflect.Map:
		return append(in, reflect.Zero(want)), nil
	}
	return nil, fmt.Errorf("expected a %s, got nothing", want)
}

// result calls f. A panic of f is its error: no template ends the program.
func result(f reflect.Value, in []reflect.Value) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%v", p)
		}
	}()
	out := f.Call(in)
	if len(out) > 1 {
		if err, ok := reflect.TypeAssert[error](out[1]); ok {
			return nil, err
		}
	}
	return out[0].Interface(), nil
}
