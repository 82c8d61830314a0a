package testbed

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed prosody.cfg.lua
var prosodyConfig string

//go:embed mod_room_limit.lua
var prosodyRoomLimit string

// Prosody starts a Prosody. Its accounts log in with SCRAM-SHA-1.
func Prosody(ctx context.Context, o Options) (*XMPP, error) {
	if err := need("Prosody", "install the package prosody", "prosody", "prosodyctl"); err != nil {
		return nil, err
	}
	c, err := prepareXMPP(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("prepare Prosody: %w", err)
	}
	config := filepath.Join(c.Dir, "prosody.cfg.lua")
	if err := c.prepareProsody(ctx, config); err != nil {
		return nil, fmt.Errorf("prepare Prosody: %w", err)
	}
	x := c.handle(&Server{
		name: "Prosody",
		command: command{
			args: []string{"prosody", "-F", "--config", config},
			dir:  c.Dir,
			log:  filepath.Join(c.Dir, "prosody.log"),
		},
		addrs: []string{c.starttls, c.tls},
	}, config)
	if err := x.Start(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

// prepareProsody writes the configuration and the accounts.
func (c xmppConfig) prepareProsody(ctx context.Context, config string) error {
	if err := os.MkdirAll(filepath.Join(c.Dir, "data"), 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	plugins := filepath.Join(c.Dir, "plugins")
	if err := os.MkdirAll(plugins, 0o700); err != nil {
		return fmt.Errorf("create plugin folder: %w", err)
	}
	if err := fillIn(filepath.Join(plugins, "mod_room_limit.lua"), prosodyRoomLimit, nil); err != nil {
		return err
	}
	if err := fillIn(config, prosodyConfig, c); err != nil {
		return err
	}
	for _, name := range accounts() {
		args := []string{"prosodyctl"}
		if c.Root {
			args = append(args, "--root")
		}
		err := execute(ctx, command{
			args: append(args, "--config", config, "register", name, domain, Password(name)),
			log:  filepath.Join(c.Dir, "prosodyctl.log"),
		})
		if err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return nil
}
