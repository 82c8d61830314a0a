package testbed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const natsModule = "github.com/nats-io/nats-server/v2"

// NATSServer is a real NATS server with JetStream.
type NATSServer struct {
	*Server
	Addr string // host:port
	URL  string // nats://host:port
}

// NATS starts a NATS server of the version in go.mod. It is built on first
// use, so the process has to run within the module, as tests do.
func NATS(ctx context.Context, o Options) (*NATSServer, error) {
	binary, err := natsBinary(ctx)
	if err != nil {
		return nil, err
	}
	if o, err = o.prepare(); err != nil {
		return nil, fmt.Errorf("prepare NATS: %w", err)
	}
	addrs, err := freeAddrs(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("prepare NATS: %w", err)
	}
	addr := addrs[0]
	n := &NATSServer{Addr: addr, URL: "nats://" + addr, Server: &Server{
		name: "NATS",
		command: command{
			args: []string{
				binary, "--addr", "127.0.0.1", "--port", port(addr),
				"--jetstream", "--store_dir", filepath.Join(o.Dir, "jetstream"),
			},
			dir: o.Dir,
			log: filepath.Join(o.Dir, "nats.log"),
		},
		addrs: addrs,
		ready: func(ctx context.Context) error { return greets(ctx, addr) },
	}}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// natsBinary returns the path of the server, which it builds if need be.
func natsBinary(ctx context.Context) (string, error) {
	if err := need("NATS", "install Go", "go"); err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Version}}", natsModule).Output()
	if err != nil {
		return "", fmt.Errorf("find version of %s in go.mod: %w", natsModule, err)
	}
	dir, err := cached("nats-server-"+strings.TrimSpace(string(version)), func(dir string) error {
		return execute(ctx, command{
			args: []string{"go", "build", "-o", filepath.Join(dir, "nats-server"), natsModule},
			log:  filepath.Join(dir, "build.log"),
		})
	})
	if err != nil {
		return "", fmt.Errorf("build NATS: %w", err)
	}
	return filepath.Join(dir, "nats-server"), nil
}

// greets checks that the server at addr introduces itself, with JetStream.
func greets(ctx context.Context, addr string) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("dial NATS: %w", err)
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	if err := conn.SetReadDeadline(time.Now().Add(probeLimit)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	info, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("read greeting: %w", err)
	}
	if !strings.HasPrefix(info, "INFO ") || !strings.Contains(info, `"jetstream":true`) {
		return errors.New("the greeting does not offer JetStream")
	}
	return nil
}
