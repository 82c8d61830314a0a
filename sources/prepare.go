package sources

// Report tells what was found and done when the broker was prepared for a
// source.
type Report struct {
	// Done lists what is there now, and whether it was made or found.
	Done []string
	// Flaws lists what is missing, and settings of the broker that defeat a
	// promise of the source, each with its cure.
	Flaws []string
	// Notes lists what is worth knowing.
	Notes []string
}
