package sources

// Mode says how far the preparation of a broker may go.
type Mode int

// The modes, each of which may do what those before it may.
const (
	// Look changes nothing. What only the source needs, and creates by itself
	// or has to find, may be missing: that is an error.
	Look Mode = iota
	// Bind creates what only the source needs, like a durable consumer.
	Bind
	// Create makes what holds notifications and dead letters, too.
	Create
)

// Report tells what was found and done when the broker was prepared for a
// source.
type Report struct {
	// Done lists what is there now, and whether it was made or found.
	Done []string
	// Flaws lists what is missing, and settings of the broker that defeat a
	// promise of the source.
	Flaws []Finding
	// Notes lists what is worth knowing.
	Notes []string
}

// Finding is one thing that is not as it has to be.
type Finding struct {
	What string
	Cure string // empty: What says it
	// DeadLetters says that it is about where dead letters go.
	DeadLetters bool
}

// String is the finding with its cure, in one line.
func (f Finding) String() string {
	if f.Cure == "" {
		return f.What
	}
	return f.What + ": " + f.Cure
}
