package telemetry

import (
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Config is what the operator says about the admin port.
type Config struct {
	Addr string `envconfig:"ADMIN_ADDR" desc:"Where to serve /metrics, /livez, /readyz and /status over HTTP, host:port or :port, like :9464. There is no login: keep it in a private network. Default: nowhere."`
}

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	if err := config.CheckListen(c.Addr); err != nil && c.Addr != "" {
		return []error{fmt.Errorf("ADMIN_ADDR=%q %w", c.Addr, err)}
	}
	return nil
}
