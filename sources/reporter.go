package sources

// Reporter is what a Source may be as well, to tell operators how it is.
type Reporter interface {
	// Status tells what the source knows without asking its broker. It may be
	// called from any goroutine, at any time.
	Status() Status
}

// Status is how a source is.
type Status struct {
	// Receiving says that the source receives: its consumer is found, or it is a
	// member of its group, also if that has no partition for it.
	Receiving bool
	// Problem says why the source does not receive, or a part of it stalled, in one
	// line.
	Problem string
	// Stalled is how many parts of the source (Kafka: partitions) make no progress
	// although the broker has messages of them. Problem says why.
	Stalled int
	// Lag is how many messages the broker holds for us beyond those that are
	// pending here, as far as it has told; negative if it has not.
	Lag int64
	// Dropped is how many messages are lost since the start because the source
	// had no room for them: 0 where the broker keeps what is not received.
	Dropped int64
}
