// Package nats has the settings that the NATS sources share: where the servers
// are, who the worker is there, and where dead letters go. What works with them
// is in the packages below, which know nothing of each other:
//
//	jetstream            the source that reads a durable consumer
//	core                 the source that reads subjects without JetStream
//	admin                what init creates and check looks at
//	replay               reads dead letters and publishes their originals again
//	internal/conn        the connection, and its errors with what to do about them
//	internal/deadletter  writes dead letters
//	internal/subject     subjects and wildcards
//	internal/natstest    servers for the tests
package nats
