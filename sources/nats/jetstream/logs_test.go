package jetstream_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// Two addresses that do not answer make one line each, however often they are
// tried, and errors that are never the same make a few.
func TestDeadAddressesAreLoggedOnce(t *testing.T) {
	t.Parallel()
	const attempts = 24
	for name, test := range map[string]struct {
		most int
		fail func(address string, attempt int64) error
	}{
		"two addresses":    {2, func(address string, _ int64) error { return fmt.Errorf("dial %s: no answer", address) }},
		"different errors": {10, func(address string, n int64) error { return fmt.Errorf("dial %s from port %d: reset", address, n) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &broker{&natstest.Broker{}}
			book := b.KeepLogs()
			var tried atomic.Int64
			cfg := valid()
			cfg.URLs = []string{"nats://one:4222", "nats://two:4222"}
			cfg.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
				return nil, test.fail(address, tried.Add(1))
			}
			b.use(t, cfg)
			sourcetest.Eventually(t, "the addresses were tried often", func() bool { return tried.Load() >= attempts })
			if lines := strings.Count(book.String(), "\n"); lines == 0 || lines > test.most {
				t.Errorf("%d lines for %d attempts, want at most %d:\n%s", lines, tried.Load(), test.most, book)
			}
		})
	}
}
