package owner

import (
	"context"
	"net"
	"strings"

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

// Replace logs in with a full address, and out again: the session that had the address
// before is ended by the server (conflict).
func Replace(ctx context.Context, server *testbed.XMPP, jid string) error {
	account, rest, _ := strings.Cut(jid, "@")
	a, err := credentials(server, account)
	if err != nil {
		return err
	}
	_, a.Resource, _ = strings.Cut(rest, "/")
	conn, err := raw.Login(ctx, a)
	if err != nil {
		return err
	}
	return conn.Close()
}
