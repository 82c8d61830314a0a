package sources

// Mode says how far the preparation of a broker may go.
type Mode int

// The modes, each of which may do what those before it may.
const (
	Look   Mode = iota // changes nothing
	Bind               // creates what only the source needs, like a durable consumer
	Create             // makes what holds notifications and dead letters, too
)

// The parts of every broker that are looked at, for reports.
const (
	PartConnection  = "connection"
	PartDeadLetters = "dead letters"
)
