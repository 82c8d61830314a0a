//go:build !linux

package sink

import "net"

// acknowledger returns nil: only Linux can be told.
func acknowledger(net.Conn) func() { return nil }
