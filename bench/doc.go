// Package bench measures the worker between real brokers and a real room, each
// figure beside its ceiling in the same run: a bare sender of stanzas that are
// ready, a bare consumer, the room and the broker alone, encoding/json alone.
// `make bench` writes docs/benchmarks.md.
//
// Everything is measured from outside: an observer in the room counts what it
// shows, /proc says what a process has used. Machines are noisy, so the contestants
// take turns: compare ratios, not absolute times.
package bench
