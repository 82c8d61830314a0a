package sink_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// A password that has changed is for the next connection: the present one stays.
func TestPasswordsAreRenewedWithoutANewConnection(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	cfg := settings(t, srv)
	c := openRoom(t, cfg)
	c.post(0, 1)
	c.delivered(1)
	srv.SetPassword("notifier", "renewed")
	cfg.Password = config.NewSecret("renewed")
	if err := c.Renew(cfg); err != nil {
		t.Fatal(err)
	}
	c.post(1, 2)
	c.delivered(2)
	if joins := len(srv.Joins()); joins != 1 {
		t.Errorf("there were %d joins", joins)
	}
	srv.DropConnections()
	c.post(2, 3)
	c.delivered(3)
	if failures := srv.Stats().LoginFailures; failures != 0 {
		t.Errorf("%d logins failed", failures)
	}
	cfg.CAFile = "/does/not/exist"
	if err := c.Renew(cfg); err == nil {
		t.Error("an authority that is not there is taken")
	}
}
