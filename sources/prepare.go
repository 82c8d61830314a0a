package sources

// Mode says how far the preparation of a broker may go.
type Mode int

// The modes, each of which may do what those before it may.
const (
	CheckOnly      Mode = iota // changes nothing
	CreateConsumer             // creates what only the source needs, like a durable consumer
	CreateAll                  // also streams or topics, for notifications and dead letters
)

// The parts of every broker in reports.
const (
	PartConnection  = "connection"
	PartDeadLetters = "dead letters"
)
