package exec

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"text/template/parse"
)

// loop is range: over lists, maps by the order of their keys, and up to a
// number.
func (s *state) loop(dot any, n *parse.BranchNode) error {
	defer s.forget(len(s.vars))
	value, err := s.pipeline(dot, n.Pipe)
	if err != nil {
		return err
	}
	turns, err := s.turns(n, reflect.Indirect(reflect.ValueOf(value)))
	switch {
	case err != nil:
		return s.at(n, err)
	case turns > 0:
		return nil
	case n.ElseList != nil:
		return s.walk(dot, n.ElseList)
	}
	return nil
}

// turns takes every turn and returns their number.
func (s *state) turns(n *parse.BranchNode, list reflect.Value) (int, error) {
	switch kind := list.Kind(); {
	case kind == reflect.Invalid:
		return 0, nil
	case kind == reflect.Slice || kind == reflect.Array:
		return s.times(list.Len(), func(i int) error { return s.turn(n, i, list.Index(i).Interface()) })
	case kind == reflect.Map:
		keys := list.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
		return s.times(len(keys), func(i int) error {
			return s.turn(n, keys[i].Interface(), list.MapIndex(keys[i]).Interface())
		})
	case list.CanInt() && len(n.Pipe.Decl) > 1:
		return 0, fmt.Errorf("range over %v has one variable, not two", list)
	case list.CanInt():
		return s.times(int(list.Int()), func(i int) error {
			return s.turn(n, nil, reflect.ValueOf(i).Convert(list.Type()).Interface())
		})
	}
	return 0, fmt.Errorf("range cannot iterate over a %s", list.Type())
}

func (s *state) times(count int, turn func(int) error) (int, error) {
	for i := range count {
		if err := s.env.Step(); err != nil {
			return i, err
		}
		switch err := turn(i); {
		case errors.Is(err, errBreak):
			return count, nil
		case err != nil && !errors.Is(err, errContinue):
			return i, err
		}
	}
	return count, nil
}

// turn sets the variables of the loop and walks its body.
func (s *state) turn(n *parse.BranchNode, key, element any) error {
	values := []any{element}
	if len(n.Pipe.Decl) > 1 {
		values = []any{key, element}
	}
	for i, v := range n.Pipe.Decl {
		if err := s.set(v.Ident[0], values[i]); err != nil {
			return err
		}
	}
	defer s.forget(len(s.vars))
	return s.walk(element, n.List)
}

// set gives a value to the innermost variable of that name.
func (s *state) set(name string, value any) error {
	v, err := s.variable(name)
	if err == nil {
		v.value = value
	}
	return err
}

func (s *state) variable(name string) (*variable, error) {
	for i := len(s.vars) - 1; i >= 0; i-- {
		if s.vars[i].name == name {
			return &s.vars[i], nil
		}
	}
	return nil, fmt.Errorf("undefined variable %s", name)
}
