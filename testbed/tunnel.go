package testbed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// Tunnel is a real proxy through which clients connect to other servers.
type Tunnel struct {
	*Server
	Addr string // host:port
}

// SOCKS starts a SOCKS5 proxy that wants this user and password.
func SOCKS(ctx context.Context, o Options, user, password string) (*Tunnel, error) {
	if err := need("microsocks", "install the package microsocks", "microsocks"); err != nil {
		return nil, err
	}
	return startTunnel(ctx, o, "microsocks", func(addr string) ([]string, error) {
		return []string{"microsocks", "-i", "127.0.0.1", "-p", port(addr), "-u", user, "-P", password}, nil
	})
}

// HTTPProxy starts an HTTP proxy that wants this user and password, and takes CONNECT.
func HTTPProxy(ctx context.Context, o Options, user, password string) (*Tunnel, error) {
	if err := need("tinyproxy", "install the package tinyproxy-bin", "tinyproxy"); err != nil {
		return nil, err
	}
	return startTunnel(ctx, o, "tinyproxy", func(addr string) ([]string, error) {
		config := filepath.Join(o.Dir, "tinyproxy.conf")
		text := fmt.Sprintf("Port %s\nListen 127.0.0.1\nTimeout 600\nMaxClients 20\nBasicAuth %s %s\nLogLevel Critical\n", port(addr), user, password)
		return []string{"tinyproxy", "-d", "-c", config}, os.WriteFile(config, []byte(text), 0o600)
	})
}

func startTunnel(ctx context.Context, o Options, name string, args func(addr string) ([]string, error)) (*Tunnel, error) {
	o, err := o.prepare()
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(ctx, 1)
	if err != nil {
		return nil, err
	}
	line, err := args(addrs[0])
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", name, err)
	}
	t := &Tunnel{Addr: addrs[0], Server: &Server{
		name:    name,
		command: command{args: line, dir: o.Dir, log: filepath.Join(o.Dir, name+".log")},
		addrs:   addrs,
	}}
	return t, t.Start(ctx)
}
