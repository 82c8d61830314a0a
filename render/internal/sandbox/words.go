package sandbox

import (
	"maps"
	"slices"
	"text/template/parse"
)

// Words returns the names of members and functions and the texts that the
// template has, sorted: whoever tries it can make data of them.
func (t *Template) Words() []string {
	words := make(map[string]bool)
	for _, each := range t.parsed.Templates() {
		if each.Tree != nil {
			addWords(words, each.Root)
		}
	}
	return slices.Sorted(maps.Keys(words))
}

func addWords(words map[string]bool, node parse.Node) {
	switch n := node.(type) {
	case *parse.StringNode:
		words[n.Text] = true
	case *parse.IdentifierNode:
		words[n.Ident] = true
	case *parse.FieldNode:
		addNames(words, n.Ident)
	case *parse.VariableNode:
		addNames(words, n.Ident[1:])
	case *parse.ChainNode:
		addNames(words, n.Field)
		addWords(words, n.Node)
	default:
		for _, child := range children(node) {
			addWords(words, child)
		}
	}
}

func addNames(words map[string]bool, names []string) {
	for _, name := range names {
		words[name] = true
	}
}

// children returns what a node consists of, as far as words can be in it.
func children(node parse.Node) []parse.Node {
	switch n := node.(type) {
	case *parse.ListNode:
		if n != nil {
			return n.Nodes
		}
	case *parse.ActionNode:
		return []parse.Node{n.Pipe}
	case *parse.TemplateNode:
		return []parse.Node{n.Pipe}
	case *parse.IfNode:
		return []parse.Node{n.Pipe, n.List, n.ElseList}
	case *parse.WithNode:
		return []parse.Node{n.Pipe, n.List, n.ElseList}
	case *parse.RangeNode:
		return []parse.Node{n.Pipe, n.List, n.ElseList}
	case *parse.CommandNode:
		return n.Args
	case *parse.PipeNode:
		if n == nil {
			return nil
		}
		commands := make([]parse.Node, len(n.Cmds))
		for i, command := range n.Cmds {
			commands[i] = command
		}
		return commands
	}
	return nil
}
