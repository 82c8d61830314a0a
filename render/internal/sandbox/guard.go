package sandbox

import (
	"text/template"
	"text/template/parse"
)

// The names of the guards. Templates cannot call them: they are not known yet
// when a template is read.
const (
	stepName  = "_step"
	enterName = "_enter"
	leaveName = "_leave"
	showName  = "_show"
)

func (r *run) guards() template.FuncMap {
	return template.FuncMap{stepName: r.step, enterName: r.enter, leaveName: r.leave, showName: Text}
}

// guard puts calls of the guards into all templates of t.
func guard(t *template.Template) {
	t.Funcs(new(run).guards())
	for _, each := range t.Templates() {
		if each.Tree != nil {
			guardList(each.Root)
			each.Root.Nodes = append(append([]parse.Node{call(enterName)}, each.Root.Nodes...), call(leaveName))
		}
	}
}

// guardList guards what a list prints, and every loop in it.
func guardList(list *parse.ListNode) {
	if list == nil {
		return
	}
	for _, node := range list.Nodes {
		switch n := node.(type) {
		case *parse.ActionNode:
			if len(n.Pipe.Decl) == 0 {
				n.Pipe.Cmds = append(n.Pipe.Cmds, command(showName))
			}
		case *parse.RangeNode:
			guardList(n.List)
			guardList(n.ElseList)
			n.List.Nodes = append([]parse.Node{call(stepName)}, n.List.Nodes...)
		case *parse.IfNode:
			guardList(n.List)
			guardList(n.ElseList)
		case *parse.WithNode:
			guardList(n.List)
			guardList(n.ElseList)
		}
	}
}

// call is an action that calls a guard.
func call(name string) *parse.ActionNode {
	pipe := &parse.PipeNode{NodeType: parse.NodePipe, Cmds: []*parse.CommandNode{command(name)}}
	return &parse.ActionNode{NodeType: parse.NodeAction, Pipe: pipe}
}

func command(name string) *parse.CommandNode {
	return &parse.CommandNode{NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier(name)}}
}
