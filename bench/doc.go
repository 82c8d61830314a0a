// Package bench measures the worker between real brokers and a real room, each
// figure beside its ceiling in the same run: a bare sender of stanzas that are
// ready, the broker and the room alone, encoding/json alone. `make bench` writes
// docs/benchmarks.md, and `make bench PART=latency` one section of it.
//
// Everything is measured from outside: an observer in the room counts what it
// shows, /proc and the worker's metrics say what its process has used. Machines
// are noisy, so the contestants take turns: compare ratios, not absolute times.
package bench
