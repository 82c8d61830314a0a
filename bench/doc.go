// Package bench measures the worker between real brokers and a real room,
// against the ceiling: a sender that does nothing but write stanzas that are
// ready. `make bench` writes the result to docs/benchmarks.md, and
// `make bench PART=latency` measures one part and replaces its section there.
//
// All contestants are measured from outside and alike: an observer in the room
// counts what it shows, and /proc tells what their process has used. They take
// turns, because machines are noisy; compare ratios, not absolute times.
package bench
