// Package exec runs the templates of Go's text/template, as its own parser
// reads them. It differs from text/template in one thing: methods are not
// found by reflection but given by a function. A call of any method by name
// makes the linker keep all methods of all types, in a program like this one
// three megabytes of them; see docs/decisions/0030-binary-size.md. Calls of
// functions that are values of data, channels and iterators are left out.
package exec

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"text/template"
	"text/template/parse"
)

// Template is a template, with those that it defines.
type Template struct {
	name     string
	trees    map[string]*parse.Tree
	builtins map[string]any
}

// Env is what an execution works with.
type Env struct {
	// Out takes the text.
	Out io.Writer
	// Funcs are the functions that templates can call, each with one result, or
	// a result and an error; those of text/template that make no text are there
	// without it: and, or, not, len, index, slice and the comparisons.
	Funcs map[string]any
	// Method returns a method of the receiver, as a function, or nil.
	Method func(receiver any, name string) any
	// Step is called at every turn of a loop and every call of a template,
	// which are what can make an execution long. Its error ends the execution.
	Step func() error
}

// Parse reads a template that calls these functions.
func Parse(name, text string, funcs map[string]any) (*Template, error) {
	own := builtins()
	trees, err := parse.Parse(name, text, "", "", funcs, own)
	if err != nil {
		return nil, err
	}
	return &Template{name, trees, own}, nil
}

// Execute writes what the template makes of data.
func (t *Template) Execute(env Env, data any) error {
	return (&state{env: env, template: t}).call(t.name, data)
}

// state is an execution of one template, not of those that it calls.
type state struct {
	env      Env
	template *Template
	tree     *parse.Tree
	vars     []variable // a stack; the innermost is last
}

type variable struct {
	name  string
	value any
}

// The ways out of a loop.
var (
	errBreak    = errors.New("break")
	errContinue = errors.New("continue")
)

// call runs a template in a state of its own: it sees no variables but $.
func (s *state) call(name string, dot any) error {
	tree := s.template.trees[name]
	if tree == nil {
		return fmt.Errorf("template %q is not defined", name)
	}
	if err := s.env.Step(); err != nil {
		return err
	}
	inner := *s
	inner.tree, inner.vars = tree, []variable{{"$", dot}}
	return inner.walk(dot, tree.Root)
}

// walk writes what node makes of dot.
func (s *state) walk(dot any, node parse.Node) error {
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			if err := s.walk(dot, child); err != nil {
				return err
			}
		}
		return nil
	case *parse.TextNode:
		_, err := s.env.Out.Write(n.Text)
		return err
	case *parse.ActionNode:
		return s.print(dot, n)
	case *parse.IfNode:
		return s.choose(dot, &n.BranchNode, false)
	case *parse.WithNode:
		return s.choose(dot, &n.BranchNode, true)
	case *parse.RangeNode:
		return s.loop(dot, &n.BranchNode)
	case *parse.TemplateNode:
		value, err := s.pipeline(dot, n.Pipe)
		if err == nil {
			err = s.at(n, s.call(n.Name, value))
		}
		return err
	case *parse.BreakNode:
		return errBreak
	case *parse.ContinueNode:
		return errContinue
	case *parse.CommentNode:
		return nil
	}
	return s.at(node, errors.New("unknown action"))
}

// print writes the value of an action, if it does not declare a variable.
// Variables persist until the end of the block.
func (s *state) print(dot any, n *parse.ActionNode) error {
	value, err := s.pipeline(dot, n.Pipe)
	if err != nil || len(n.Pipe.Decl) > 0 || value == nil {
		return err
	}
	_, err = fmt.Fprint(s.env.Out, printable(value))
	return err
}

// printable returns what a pointer points to, unless it prints itself.
func printable(value any) any {
	switch value.(type) {
	case fmt.Stringer, error:
		return value
	}
	if v := reflect.Indirect(reflect.ValueOf(value)); v.IsValid() {
		return v.Interface()
	}
	return value
}

// choose is if, and with if it sets the dot.
func (s *state) choose(dot any, n *parse.BranchNode, with bool) error {
	defer s.forget(len(s.vars))
	value, err := s.pipeline(dot, n.Pipe)
	if err != nil {
		return err
	}
	switch {
	case truth(value) && with:
		return s.walk(value, n.List)
	case truth(value):
		return s.walk(dot, n.List)
	case n.ElseList != nil:
		return s.walk(dot, n.ElseList)
	}
	return nil
}

// forget ends the life of the variables from mark on.
func (s *state) forget(mark int) { s.vars = s.vars[:mark] }

// truth is text/template's: what is not the zero of its type.
func truth(value any) bool {
	yes, _ := template.IsTrue(value)
	return yes
}

// located is an error that names its place in the template.
type located struct{ error }

func (e located) Unwrap() error { return e.error }

// at adds the place of node to err, once.
func (s *state) at(node parse.Node, err error) error {
	if err == nil || errors.As(err, new(located)) {
		return err
	}
	place, context := s.tree.ErrorContext(node)
	return located{fmt.Errorf("template: %s: at <%s>: %w", place, context, err)}
}
