package check

// Fault is an error with the cure that an operator can apply.
type Fault struct { //nolint:errname // reads well where it is used: *check.Fault
	What string // what is wrong; empty: Err says it
	Err  error  // what was behind it; may be nil
	Cure string
}

func (f *Fault) Error() string { return f.what() + ": " + f.Cure }

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
