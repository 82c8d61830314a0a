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

//go:embed mod_no_ids.lua
var prosodyNoIDs string

//go:embed mod_archive_first.lua
var prosodyArchiveFirst string

//go:embed rules.pfw
var prosodyRules string

// Firewall reports whether rooms of Prosody refuse or swallow anything.
func (c xmppConfig) Firewall() bool { return c.RoomRules != "" || c.MessageInterval > 0 }

// MessageRate is how many messages a room takes in a second, and MessageBurst for how
// many seconds at once: three messages.
func (c xmppConfig) MessageRate() float64 {
	if c.MessageInterval == 0 {
		return 0
	}
	return 1 / c.MessageInterval
}

// MessageBurst belongs to MessageRate.
func (c xmppConfig) MessageBurst() float64 { return 3 * c.MessageInterval }

// firewallModule is where Debian has mod_firewall.
const firewallModule = "/usr/lib/prosody/modules/mod_firewall/mod_firewall.lua"

// Prosody starts a Prosody. Its accounts log in with SCRAM-SHA-1.
func Prosody(ctx context.Context, o Options) (*XMPP, error) {
	if err := need("Prosody", "install the package prosody", "prosody", "prosodyctl"); err != nil {
		return nil, err
	}
	c, err := prepareXMPP(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("prepare Prosody: %w", err)
	}
	if c.Firewall() {
		if err := needFile("Prosody", "install the package prosody-modules", firewallModule); err != nil {
			return nil, err
		}
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
	for path, text := range map[string]string{
		filepath.Join(plugins, "mod_no_ids.lua"):        prosodyNoIDs,
		filepath.Join(plugins, "mod_archive_first.lua"): prosodyArchiveFirst,
		filepath.Join(c.Dir, "rules.pfw"):               prosodyRules,
		config:                                          prosodyConfig,
	} {
		if err := fillIn(path, text, c); err != nil {
			return err
		}
	}
	for _, name := range accounts() {
		args := []string{"prosodyctl"}
		if c.Root {
			args = append(args, "--root")
		}
		err := execute(ctx, command{
			args: append(args, "--config", config, "register", name, c.Domain, Password(name)),
			log:  filepath.Join(c.Dir, "prosodyctl.log"),
		})
		if err != nil {
			return fmt.Errorf("register %s: %w", name, err)
		}
	}
	return nil
}
