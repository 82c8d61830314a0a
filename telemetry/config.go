package telemetry

import (
	"net"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Config is what the operator says about the admin port.
type Config struct {
	Addr string `envconfig:"ADMIN_ADDR" desc:"Where to serve /metrics, /livez, /readyz and /status over HTTP, host:port or :port, like :9464. There is no login: keep it inside. Default: nowhere."`
}

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	if c.Addr == "" {
		return nil
	}
	if _, port, err := net.SplitHostPort(c.Addr); err != nil || port == "" {
		return []error{check.Faultf("give host:port or :port, like :9464", "ADMIN_ADDR=%q: not an address", c.Addr)}
	}
	return nil
}
