package check

import "fmt"

// Fault is an error with the fix that an operator can apply.
type Fault struct { //nolint:errname // reads well where it is used: *check.Fault
	What string // what is wrong; empty: Err says it
	Err  error  // what was behind it; may be nil
	Fix  string
}

// Faultf returns a *Fault: its fix, and what is wrong, as fmt.Errorf has it.
func Faultf(fix, format string, args ...any) error {
	return &Fault{Err: fmt.Errorf(format, args...), Fix: fix}
}

// Faults collects what is wrong, each a *Fault.
type Faults []error

// Add adds something, if it is wrong.
func (f *Faults) Add(wrong bool, fix, format string, args ...any) {
	if wrong {
		*f = append(*f, Faultf(fix, format, args...))
	}
}

func (f *Fault) Error() string { return f.what() + ": " + f.Fix }

func (f *Fault) Unwrap() error { return f.Err }

func (f *Fault) what() string {
	switch {
	case f.Err == nil:
		return f.What
	case f.What == "":
		return f.Err.Error()
	default:
		return f.What + " (" + f.Err.Error() + ")"
	}
}
