package sandbox

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// The errors of text/template speak of Go's types and repeat themselves. These
// find the parts that matter.
var (
	parseError  = regexp.MustCompile(`^template: .*?:(\d+): (.*)$`)
	execError   = regexp.MustCompile(`^template: .*?:(\d+):\d+: executing ".*?" at <(.*)>: (.*)$`)
	noFunction  = regexp.MustCompile(`^function "(.*)" not defined$`)
	noField     = regexp.MustCompile(`^can't evaluate field (\S+) in type (.+)$`)
	errorOfCall = regexp.MustCompile(`^error calling \S+: `)
)

// explain says an error of text/template in the words of the template's author:
// the line, the word, and what is wrong with it.
func (t *Template) explain(err error) error {
	if bound := bound(err); bound != nil {
		return bound
	}
	text := err.Error()
	if parts := execError.FindStringSubmatch(text); parts != nil {
		reason := errorOfCall.ReplaceAllString(parts[3], "")
		if field := noField.FindStringSubmatch(reason); field != nil {
			reason = t.noMemberOf(field[1], field[2])
		}
		return fmt.Errorf("line %s: {{%s}}: %s", parts[1], parts[2], reason)
	}
	if parts := parseError.FindStringSubmatch(text); parts != nil {
		reason := parts[2]
		if name := noFunction.FindStringSubmatch(reason); name != nil {
			reason = fmt.Sprintf("there is no function %s%s", name[1], suggestion("", name[1], t.names()))
		}
		return fmt.Errorf("line %s: %s", parts[1], reason)
	}
	return err
}

// bound returns the bound that was met, nil if it was none.
func bound(err error) error {
	for _, bound := range bounds() {
		if errors.Is(err, bound) {
			return bound
		}
	}
	if errors.Is(err, ErrSize) && !errors.As(err, new(*callError)) {
		return ErrSize
	}
	return nil
}

// builtins are the functions of text/template that are not ours.
func builtins() []string { return []string{"and", "or", "not", "call"} }

func (t *Template) names() []string {
	names := builtins()
	for _, f := range t.functions {
		names = append(append(names, f.Name), f.Aliases...)
	}
	return names
}

// noMemberOf says what noMember says, of a type that is known by its name.
func (t *Template) noMemberOf(name, goType string) string {
	if known := t.types[goType]; known != nil {
		return noMember(name, known)
	}
	return fmt.Sprintf("%s has no member .%s", goType, name)
}

// typesOf lists the types that a template can meet in data of type t, by the
// names that text/template has for them.
func typesOf(data reflect.Type) map[string]reflect.Type {
	all := make(map[string]reflect.Type)
	for _, plain := range []any{"", 0, 0.5, true, []any{}, []string{}, time.Time{}, time.Duration(0)} {
		all[reflect.TypeOf(plain).String()] = reflect.TypeOf(plain)
	}
	addTypes(all, data)
	return all
}

// addTypes adds t, and what its members are.
func addTypes(all map[string]reflect.Type, t reflect.Type) {
	if all[t.String()] != nil {
		return
	}
	all[t.String()] = t
	switch t.Kind() {
	case reflect.Slice, reflect.Map:
		addTypes(all, t.Elem())
	case reflect.Struct:
		for field := range t.Fields() {
			if field.IsExported() {
				addTypes(all, field.Type)
			}
		}
	default:
	}
	for method := range t.Methods() {
		if method.Type.NumOut() > 0 && method.Type.Out(0) != reflect.TypeFor[reflect.Value]() {
			addTypes(all, method.Type.Out(0))
		}
	}
}

// line turns the place of text/template, NAME:LINE:COLUMN, into words.
func line(place string) string {
	parts := strings.Split(place, ":")
	if len(parts) < 3 {
		return place
	}
	return "line " + parts[len(parts)-2]
}
