// Package chaos drives every fault of a room for real, on real servers and
// under load, and counts what it costs: an independent occupant of the room
// looks for notifications that are lost, shown again or out of order.
//
// `make chaos` runs all faults several times and writes docs/faults.md;
// `make test-real` runs a short form.
package chaos
