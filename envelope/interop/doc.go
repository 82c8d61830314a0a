// Package interop holds the tests that what the official CloudEvents SDK for
// Go sends over NATS and Kafka means to us what its sender meant. It is a
// module of its own: nothing of it is needed to build the worker.
package interop
