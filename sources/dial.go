package sources

import (
	"context"
	"net"
)

// DialFunc opens a connection to a broker, as [net.Dialer.DialContext] does. TLS
// is the source's own.
type DialFunc func(ctx context.Context, network, address string) (net.Conn, error)
