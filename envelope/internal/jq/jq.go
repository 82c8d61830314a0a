// Package jq runs the operator's program over messages, bounded in steps, in
// time and in what it makes.
package jq

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/itchyny/gojq"
)

// The bounds of one run. Steps are the same on every machine, so all workers
// make the same of a message; the time is for what takes long in one step.
const (
	maxSteps   = 500_000
	maxTime    = 2 * time.Second
	maxOutputs = 1000
	maxNodes   = 200_000 // values in one output
	maxOutput  = 1 << 20 // bytes of one output
)

// The errors of a program that goes beyond its bounds.
var (
	ErrSteps = fmt.Errorf("more than %d steps", maxSteps)
	ErrTime  = fmt.Errorf("more than %v", maxTime)
	errMany  = fmt.Errorf("more than %d outputs", maxOutputs)
	errLarge = fmt.Errorf("an output of more than %d bytes", maxOutput)
)

// Program is a compiled program. It may run in several goroutines.
type Program struct{ code *gojq.Code }

// variables are what a program can use besides its input, in the order of Run.
var variables = []string{"$topic", "$subject", "$key", "$headers"} //nolint:gochecknoglobals // a constant list

// Compile reads a program. It sees no files, no environment and no other input.
func Compile(text string) (*Program, error) {
	query, err := gojq.Parse(text)
	if err != nil {
		return nil, explain(text, err)
	}
	code, err := gojq.Compile(query, gojq.WithVariables(variables))
	if err != nil {
		return nil, err
	}
	return &Program{code}, nil
}

// explain says in which line of the program an error is.
func explain(text string, err error) error {
	parse, ok := errors.AsType[*gojq.ParseError](err)
	if !ok {
		return err
	}
	before := text[:min(max(parse.Offset-1, 0), len(text))]
	return fmt.Errorf("line %d: %w", 1+strings.Count(before, "\n"), err)
}

// Message is what a program runs over.
type Message struct {
	// Input is JSON as encoding/json decodes it with UseNumber, or a string.
	Input   any
	Topic   string
	Key     any
	Headers map[string]any
}

// Run returns the outputs of the program as JSON. Null is no output.
func (p *Program) Run(m Message) ([]json.RawMessage, error) {
	bounds := &budget{steps: maxSteps, end: time.Now().Add(maxTime), done: make(chan struct{})}
	var list []json.RawMessage
	for outputs := p.code.RunWithContext(bounds, m.Input, m.Topic, m.Topic, m.Key, m.Headers); ; {
		value, more := outputs.Next()
		switch err, failed := value.(error); {
		case !more:
			return list, nil
		case failed:
			return nil, err
		case value == nil:
			continue
		case len(list) == maxOutputs:
			return nil, errMany
		}
		text, err := encode(value)
		if err != nil {
			return nil, err
		}
		list = append(list, text)
	}
}

func encode(value any) (json.RawMessage, error) {
	nodes, size := maxNodes, maxOutput
	if !fits(value, &nodes, &size) {
		return nil, errLarge
	}
	return gojq.Marshal(value)
}

// fits looks at a value before it is written: parts of it that are shared may
// make it far greater than the memory it takes.
func fits(value any, nodes, size *int) bool {
	if *nodes--; *nodes < 0 || *size < 0 {
		return false
	}
	switch value := value.(type) {
	case string:
		*size -= len(value)
	case []any:
		for _, element := range value {
			if !fits(element, nodes, size) {
				return false
			}
		}
	case map[string]any:
		for name, member := range value {
			if *size -= len(name); !fits(member, nodes, size) {
				return false
			}
		}
	}
	return *size >= 0
}

// budget is a context that ends after a number of steps: the machine asks it
// before each.
type budget struct {
	steps int
	end   time.Time
	err   error
	done  chan struct{}
}

// Done counts a step.
func (b *budget) Done() <-chan struct{} {
	const often = 1024
	if b.steps--; b.err == nil && b.steps < 0 {
		b.stop(ErrSteps)
	} else if b.err == nil && b.steps%often == 0 && time.Now().After(b.end) {
		b.stop(ErrTime)
	}
	return b.done
}

func (b *budget) stop(err error) {
	b.err = err
	close(b.done)
}

// Err says why the run has ended.
func (b *budget) Err() error { return b.err }

// Deadline is when it ends at the latest.
func (b *budget) Deadline() (time.Time, bool) { return b.end, true }

// Value has none.
func (b *budget) Value(any) any { return nil }

var _ context.Context = (*budget)(nil)
