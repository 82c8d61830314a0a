package owner

import (
	"context"
	"net"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/internal/raw"
)

// Connect logs the account in, announces no presence, and returns the connection:
// for benchmarks, which are to cost as little as can be.
func Connect(ctx context.Context, server *testbed.XMPP, account string) (net.Conn, error) {
	a, err := credentials(server, account)
	if err != nil {
		return nil, err
	}
	return raw.Login(ctx, a)
}
