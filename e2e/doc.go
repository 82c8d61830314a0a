// Package e2e holds the end-to-end suite: the worker's binary between a
// broker and a room, watched by an independent occupant of the room.
//
// Without build tags the servers are inside the test process. With the tag
// real they are real ones, started by package testbed.
package e2e
