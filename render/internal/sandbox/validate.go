package sandbox

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// validate finds what is missing in parts of a template that may run seldom:
// templates that are called but not defined, and members of the data. It reports
// whether what the template prints depends on the data.
func validate(t *template.Template, data reflect.Type) (usesData bool, err error) {
	var errs []error
	for _, each := range t.Templates() {
		if each.Tree == nil {
			continue
		}
		c := checker{all: t, tree: each.Tree, data: data, main: each.Name() == t.Name()}
		c.list(each.Root, c.main)
		errs = append(errs, c.errs...)
		usesData = usesData || c.main && c.usesData
	}
	return usesData, errors.Join(errs...)
}

// checker walks one template. In the main one, $ is the data.
type checker struct {
	all  *template.Template
	tree *parse.Tree
	data reflect.Type
	main bool
	errs []error
	// usesData says that a condition or something that prints uses the data.
	usesData bool
}

// list walks a list; dot says whether the dot is the data there.
func (c *checker) list(list *parse.ListNode, dot bool) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			used := c.usesData
			if c.pipe(n.Pipe, dot); len(n.Pipe.Decl) > 0 { // it prints nothing
				c.usesData = used
			}
		case *parse.IfNode:
			c.branch(&n.BranchNode, dot, dot)
		case *parse.RangeNode:
			c.branch(&n.BranchNode, dot, false)
		case *parse.WithNode:
			c.branch(&n.BranchNode, dot, false)
		case *parse.TemplateNode:
			c.pipe(n.Pipe, dot)
			if found := c.all.Lookup(n.Name); found == nil || found.Tree == nil {
				c.report(n, fmt.Sprintf("there is no template %q: define it", n.Name))
			}
		}
	}
}

func (c *checker) branch(n *parse.BranchNode, dot, inside bool) {
	c.pipe(n.Pipe, dot)
	c.list(n.List, inside)
	c.list(n.ElseList, dot)
}

func (c *checker) pipe(pipe *parse.PipeNode, dot bool) {
	if pipe == nil {
		return
	}
	for _, command := range pipe.Cmds {
		for _, arg := range command.Args {
			c.word(arg, dot)
		}
	}
}

func (c *checker) word(node parse.Node, dot bool) {
	switch n := node.(type) {
	case *parse.PipeNode:
		c.pipe(n, dot)
	case *parse.ChainNode:
		c.word(n.Node, dot)
	case *parse.DotNode:
		c.usesData = true
	case *parse.FieldNode:
		if c.usesData = true; dot {
			c.member(n, n.Ident[0])
		}
	case *parse.VariableNode:
		if c.usesData = true; c.main && n.Ident[0] == "$" && len(n.Ident) > 1 {
			c.member(n, n.Ident[1])
		}
	}
}

func (c *checker) member(node parse.Node, name string) {
	if !slices.Contains(members(c.data), name) {
		c.report(node, noMember(name, c.data))
	}
}

func (c *checker) report(node parse.Node, text string) {
	place, _ := c.tree.ErrorContext(node)
	c.errs = append(c.errs, fmt.Errorf("%s: %s", line(place), text))
}

// noMember says that a value of type t has no member of that name.
func noMember(name string, t reflect.Type) string {
	return fmt.Sprintf("%s has no member .%s%s", Kind(t), name, suggestion(".", name, members(t)))
}

// members returns the names that a template can ask a value of type t for, nil
// if that can be any.
func members(t reflect.Type) []string {
	var names []string
	if t.Kind() == reflect.Struct {
		for _, field := range reflect.VisibleFields(t) {
			if field.IsExported() {
				names = append(names, field.Name)
			}
		}
	}
	for method := range t.Methods() {
		if method.Name != "String" {
			names = append(names, method.Name)
		}
	}
	return names
}

// suggestion names what was probably meant, "" if nothing is near.
func suggestion(prefix, name string, names []string) string {
	for _, each := range names {
		if check.OneSlip(strings.ToLower(name), strings.ToLower(each)) {
			return fmt.Sprintf("; did you mean %s%s?", prefix, each)
		}
	}
	return ""
}
