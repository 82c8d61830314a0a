//go:build !real

package nats_test

// realServers: the servers run inside the test process.
const realServers = false
