//go:build real

package nats_test

// realServers: the servers are processes of their own, as in production.
const realServers = true
