//go:build !real

package natstest

// realServers: the servers run inside the test process.
const realServers = false
