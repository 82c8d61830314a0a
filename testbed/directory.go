package testbed

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed slapd.conf
var slapdConfig string

// directory prepares an OpenLDAP that holds the accounts, not yet started.
func (c *xmppConfig) directory(ctx context.Context) (*Server, error) {
	const fix = "install the package slapd"
	if err := need("OpenLDAP", fix, "slapd", "slapadd"); err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(ctx, 1)
	if err != nil {
		return nil, err
	}
	c.LDAP = port(addrs[0])
	config := filepath.Join(c.Dir, "slapd.conf")
	if err := os.MkdirAll(filepath.Join(c.Dir, "ldap"), 0o700); err != nil {
		return nil, fmt.Errorf("create data folder: %w", err)
	}
	if err := fillIn(config, slapdConfig, c); err != nil {
		return nil, err
	}
	entries := filepath.Join(c.Dir, "accounts.ldif")
	if err := os.WriteFile(entries, []byte(ldif()), 0o600); err != nil {
		return nil, fmt.Errorf("write accounts: %w", err)
	}
	log := filepath.Join(c.Dir, "slapd.log")
	if err := execute(ctx, command{args: []string{"slapadd", "-f", config, "-l", entries}, log: log}); err != nil {
		return nil, fmt.Errorf("store accounts: %w", err)
	}
	return &Server{
		name:    "OpenLDAP",
		command: command{args: []string{"slapd", "-f", config, "-h", "ldap://" + addrs[0], "-d", "0"}, dir: c.Dir, log: log},
		addrs:   addrs,
	}, nil
}

// ldif is the directory's content.
func ldif() string {
	var b strings.Builder
	b.WriteString("dn: dc=xmpp,dc=test\nobjectClass: dcObject\nobjectClass: organization\ndc: xmpp\no: test\n")
	for _, name := range accounts() {
		fmt.Fprintf(&b, "\ndn: uid=%s,dc=xmpp,dc=test\nobjectClass: inetOrgPerson\nuid: %s\ncn: %s\nsn: %s\nuserPassword: %s\n",
			name, name, name, name, Password(name))
	}
	return b.String()
}
