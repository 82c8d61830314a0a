package testbed

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const natsModule = "github.com/nats-io/nats-server/v2"

// NATSServer is a real NATS server with JetStream.
type NATSServer struct {
	*Server
	Addr string // host:port
	URL  string // nats://host:port

	binary, config, base string
}

// NATS starts a NATS server of the version in go.mod. It is built on first
// use, so the process has to run within the module, as tests do. Each of
// config is text in the server's configuration language, for example about
// users and TLS.
func NATS(ctx context.Context, o Options, config ...string) (*NATSServer, error) {
	binary, err := natsBinary(ctx)
	if err != nil {
		return nil, err
	}
	if o, err = o.prepare(); err != nil {
		return nil, fmt.Errorf("prepare NATS: %w", err)
	}
	addrs, err := freeAddrs(ctx, 2)
	if err != nil {
		return nil, fmt.Errorf("prepare NATS: %w", err)
	}
	n := newNATS(binary, o.Dir, addrs)
	if err := n.Configure(config...); err != nil {
		return nil, err
	}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// newNATS describes a server in dir that listens on the first address and
// tells of its health on the second.
func newNATS(binary, dir string, addrs []string) *NATSServer {
	config := filepath.Join(dir, "nats.conf")
	return &NATSServer{
		Addr: addrs[0], URL: "nats://" + addrs[0],
		binary: binary, config: config,
		base: fmt.Sprintf("listen: %q\nhttp: %q\njetstream { store_dir: %q }\n", addrs[0], addrs[1], filepath.Join(dir, "jetstream")),
		Server: &Server{
			name: "NATS",
			command: command{
				args: []string{binary, "--config", config},
				dir:  dir,
				log:  filepath.Join(dir, "nats.log"),
			},
			addrs: addrs,
			ready: func(ctx context.Context) error { return healthy(ctx, addrs[1]) },
		},
	}
}

// Configure replaces what was given to NATS as configuration, from the next
// start or Reload on.
func (n *NATSServer) Configure(config ...string) error {
	text := n.base + strings.Join(config, "\n") + "\n"
	if err := os.WriteFile(n.config, []byte(text), 0o600); err != nil {
		return fmt.Errorf("configure NATS: %w", err)
	}
	return nil
}

// Reload has the running server read its configuration again.
func (n *NATSServer) Reload(ctx context.Context) error { return n.signal(ctx, "reload") }

// LameDuck has the running server send its clients away and then end.
func (n *NATSServer) LameDuck(ctx context.Context) error { return n.signal(ctx, "ldm") }

func (n *NATSServer) signal(ctx context.Context, name string) error {
	return execute(ctx, command{
		args: []string{n.binary, "--signal", fmt.Sprintf("%s=%d", name, n.PID())},
		log:  n.Log(),
	})
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

// healthy checks that the server at addr has everything ready, JetStream's
// streams and consumers included.
func healthy(ctx context.Context, addr string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/healthz", http.NoBody)
	if err != nil {
		return fmt.Errorf("ask NATS for its health: %w", err)
	}
	request.Close = true // no connection is left behind
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("ask NATS for its health: %w", err)
	}
	defer func() { _ = answer.Body.Close() }() // the status says all
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("ask NATS for its health: %s", answer.Status)
	}
	return nil
}
