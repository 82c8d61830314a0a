package exec

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
)

// pipeline returns the value of a pipeline and sets the variables that it
// declares. The value of each command is the last argument of the next.
func (s *state) pipeline(dot any, pipe *parse.PipeNode) (value any, err error) {
	if pipe == nil {
		return nil, nil
	}
	var last []any
	for _, command := range pipe.Cmds {
		if value, err = s.command(dot, command, last); err != nil {
			return nil, err
		}
		last = []any{value}
	}
	for _, v := range pipe.Decl {
		if !pipe.IsAssign {
			s.vars = append(s.vars, variable{v.Ident[0], value})
		} else if err := s.set(v.Ident[0], value); err != nil {
			return nil, s.at(pipe, err)
		}
	}
	return value, nil
}

// args are the arguments of a call: nodes, and what the pipeline has.
type args struct {
	dot   any
	nodes []parse.Node
	last  []any // none or one
}

func (a args) count() int { return len(a.nodes) + len(a.last) }

func (s *state) command(dot any, c *parse.CommandNode, last []any) (any, error) {
	value, err := s.operand(dot, c.Args[0], args{dot, c.Args[1:], last})
	return value, s.at(c.Args[0], err)
}

// operand returns the value of a word, called with a if it can be called.
func (s *state) operand(dot any, word parse.Node, a args) (any, error) {
	switch n := word.(type) {
	case *parse.IdentifierNode:
		return s.function(n.Ident, a)
	case *parse.FieldNode:
		return s.fields(dot, n.Ident, a)
	case *parse.VariableNode:
		v, err := s.variable(n.Ident[0])
		if err != nil {
			return nil, err
		}
		return s.fields(v.value, n.Ident[1:], a)
	case *parse.ChainNode:
		value, err := s.operand(dot, n.Node, args{dot: dot})
		if err != nil {
			return nil, err
		}
		return s.fields(value, n.Field, a)
	}
	if a.count() > 0 {
		return nil, fmt.Errorf("%s is no function and takes no arguments", word)
	}
	return s.plain(dot, word)
}

// plain returns the value of a word that cannot be called.
func (s *state) plain(dot any, word parse.Node) (any, error) {
	switch n := word.(type) {
	case *parse.PipeNode:
		return s.pipeline(dot, n)
	case *parse.DotNode:
		return dot, nil
	case *parse.BoolNode:
		return n.True, nil
	case *parse.StringNode:
		return n.Text, nil
	case *parse.NumberNode:
		return number(n)
	}
	return nil, fmt.Errorf("%s cannot be evaluated", word)
}

// number returns a constant, whose form says its type.
func number(n *parse.NumberNode) (any, error) {
	isHex := strings.HasPrefix(strings.ToLower(n.Text), "0x") && !strings.ContainsAny(n.Text, "pP")
	isRune := n.Text[0] == '\''
	switch {
	case n.IsComplex:
		return n.Complex128, nil
	case n.IsFloat && !isHex && !isRune && strings.ContainsAny(n.Text, ".eEpP"):
		return n.Float64, nil
	case n.IsInt && int64(int(n.Int64)) == n.Int64:
		return int(n.Int64), nil
	}
	return nil, fmt.Errorf("%s overflows int", n.Text)
}

// fields follows names from value; the last one is called with a.
func (s *state) fields(value any, names []string, a args) (_ any, err error) {
	if len(names) == 0 && a.count() > 0 {
		return nil, errors.New("it is no function and takes no arguments")
	}
	for i, name := range names {
		with := args{dot: a.dot}
		if i == len(names)-1 {
			with = a
		}
		if value, err = s.field(value, name, with); err != nil {
			return nil, err
		}
	}
	return value, nil
}

// field returns a method's result, a field of a struct or an element of a map.
// What is absent in nothing, or in a map, is nil.
func (s *state) field(receiver any, name string, a args) (any, error) {
	if receiver == nil {
		return nil, nil
	}
	if method := s.env.Method(receiver, name); method != nil {
		return s.apply(name, reflect.ValueOf(method), a)
	}
	if a.count() > 0 {
		return nil, fmt.Errorf("%s is no method and takes no arguments", name)
	}
	v := reflect.Indirect(reflect.ValueOf(receiver))
	switch {
	case v.Kind() == reflect.Struct:
		if field := v.FieldByName(name); field.IsValid() && field.CanInterface() {
			return field.Interface(), nil
		}
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		if element := v.MapIndex(reflect.ValueOf(name)); element.IsValid() {
			return element.Interface(), nil
		}
		return nil, nil
	}
	return nil, fmt.Errorf("there is no %s in a %T", name, receiver)
}
