// Package sandbox runs templates of text/template within bounds: of time, of
// turns of loops, of calls in one another, and of the size of every value and of
// the text. A template sees the data that it is given and calls the functions
// that it is given, nothing else.
//
// text/template itself knows no bounds. So after parsing, calls of guards are
// put into the tree: at the start of every turn of a loop, around every template,
// and at the end of everything that prints.
package sandbox

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
)

// The bounds of one execution.
const (
	maxSteps = 10_000  // turns of loops and calls of templates
	maxDepth = 100     // templates that call one another
	maxWork  = 4 << 20 // bytes that functions take and return
	// maxRun is for what the others do not bound. It is long: others may have
	// the processor meanwhile.
	maxRun = time.Second / 2
	// MaxBytes bounds the text, and each value that a function returns.
	MaxBytes = 64 << 10
)

var (
	errSteps = fmt.Errorf("more than %d turns of loops", maxSteps)
	errDepth = fmt.Errorf("more than %d templates call one another", maxDepth)
	errWork  = fmt.Errorf("more than %d bytes for its functions", maxWork)
	errTime  = fmt.Errorf("more than %s", maxRun)
	// ErrSize is the error of functions whose result would be too large.
	ErrSize = fmt.Errorf("more than %d bytes", MaxBytes)
)

// Template is a template that was read and guarded. Its methods may be called
// from several goroutines.
type Template struct {
	parsed    *template.Template
	functions []Function
	types     map[string]reflect.Type // of the data, by name
	idle      sync.Pool               // of *instance
	usesData  bool
}

// Parse reads a template that calls these functions and is executed with data
// of the type of example. It finds what is missing: functions, templates, and
// members of the data.
func Parse(name, text string, functions []Function, example any) (*Template, error) {
	t := &Template{functions: functions, types: typesOf(reflect.TypeOf(example))}
	parsed, err := template.New(name).Funcs(t.bind(nil)).Parse(text)
	if err != nil {
		return nil, t.explain(err)
	}
	if t.usesData, err = validate(parsed, reflect.TypeOf(example)); err != nil {
		return nil, err
	}
	guard(parsed)
	t.parsed = parsed
	return t, nil
}

// UsesData reports whether what the template prints depends on the data.
func (t *Template) UsesData() bool { return t.usesData }

// Defined returns the names of the templates that are only defined: what they
// hold is not printed unless the main template calls them.
func (t *Template) Defined() []string {
	var names []string
	for _, each := range t.parsed.Templates() {
		if each.Name() != t.parsed.Name() {
			names = append(names, each.Name())
		}
	}
	return names
}

// instance is a template with its functions bound to one execution at a time.
type instance struct {
	parsed *template.Template
	run    run
}

func (t *Template) instance() (*instance, error) {
	if free, ok := t.idle.Get().(*instance); ok {
		return free, nil
	}
	parsed, err := t.parsed.Clone()
	if err != nil {
		return nil, err
	}
	i := new(instance)
	i.parsed = parsed.Funcs(t.bind(&i.run)).Funcs(i.run.guards())
	return i, nil
}

// Execute returns the text that the template makes of data.
func (t *Template) Execute(data any) (string, error) {
	i, err := t.instance()
	if err != nil {
		return "", err
	}
	defer t.idle.Put(i)
	i.run = run{deadline: time.Now().Add(maxRun)}
	if err := i.parsed.Execute(&i.run, data); err != nil {
		return "", t.explain(err)
	}
	return i.run.out.String(), nil
}

// run is what one execution has used up.
type run struct {
	steps, depth, work int
	deadline           time.Time
	out                strings.Builder
}

// inTime is called before every function.
func (r *run) inTime() error {
	if time.Now().After(r.deadline) {
		return errTime
	}
	return nil
}

// add counts the bytes that a function takes and returns.
func (r *run) add(values ...reflect.Value) error {
	for _, value := range values {
		if r.work += weight(value, MaxBytes); r.work > maxWork {
			return errWork
		}
	}
	return nil
}

// step is one turn of a loop.
func (r *run) step() (string, error) {
	if r.steps++; r.steps > maxSteps {
		return "", errSteps
	}
	return "", r.inTime()
}

// enter is the begin of a template, leave its end.
func (r *run) enter() (string, error) {
	if r.depth++; r.depth > maxDepth {
		return "", errDepth
	}
	return r.step()
}

func (r *run) leave() string {
	r.depth--
	return ""
}

// Write implements io.Writer, up to the bounds.
func (r *run) Write(p []byte) (int, error) {
	if r.out.Len()+len(p) > MaxBytes {
		return 0, ErrSize
	}
	if err := r.inTime(); err != nil {
		return 0, err
	}
	return r.out.Write(p)
}

// isBound reports an error that says of itself what happened, without a place.
func isBound(err error) bool {
	return slices.ContainsFunc(bounds(), func(bound error) bool { return errors.Is(err, bound) })
}

func bounds() []error { return []error{errSteps, errDepth, errWork, errTime} }
