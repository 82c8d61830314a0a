// Package interop holds the tests that what Prometheus Alertmanager sends is shown
// in the room, through ingest, JetStream and the worker, whichever of them dies
// meanwhile. It is a module of its own: nothing of it is needed to build the worker.
package interop
