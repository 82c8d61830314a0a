//go:build real

package natstest

// realServers: the servers are processes of their own, as in production.
const realServers = true
