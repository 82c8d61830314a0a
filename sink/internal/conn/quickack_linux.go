package conn

import (
	"net"
	"syscall"
)

// quickAck returns what has TCP acknowledge at once what comes next. Linux
// otherwise waits up to 40 ms for something to send along. A server that leaves
// Nagle's algorithm on (RFC 896; Prosody and jabberd2 do) holds the end of a
// burst back for as long. Nil if conn is no TCP connection.
func quickAck(conn net.Conn) func() {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	quick := func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) // if it fails we are slower, no more
	}
	return func() { _ = raw.Control(quick) } // fails if conn is closed, as the read will
}
