package testbed

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// alertmanagerModule is the version of Alertmanager that runs; ingest/interop
// uses the same.
const alertmanagerModule = "github.com/prometheus/alertmanager@v0.34.0"

// AlertmanagerServer is a real Alertmanager, alone: no others, no web page.
type AlertmanagerServer struct {
	*Server
	URL string
}

// Alertmanager starts an Alertmanager with this configuration. It is built on first
// use, which takes minutes.
func Alertmanager(ctx context.Context, o Options, config string) (*AlertmanagerServer, error) {
	binary, err := alertmanagerBinary(ctx)
	if err != nil {
		return nil, err
	}
	if o, err = o.prepare(); err != nil {
		return nil, fmt.Errorf("prepare Alertmanager: %w", err)
	}
	file := filepath.Join(o.Dir, "alertmanager.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, fmt.Errorf("prepare Alertmanager: %w", err)
	}
	addrs, err := freeAddrs(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("prepare Alertmanager: %w", err)
	}
	a := &AlertmanagerServer{URL: "http://" + addrs[0], Server: &Server{
		name: "Alertmanager",
		command: command{
			args: []string{
				binary, "--config.file=" + file, "--storage.path=" + filepath.Join(o.Dir, "data"),
				"--web.listen-address=" + addrs[0], "--cluster.listen-address=",
			},
			dir: o.Dir,
			log: filepath.Join(o.Dir, "alertmanager.log"),
		},
		addrs: addrs,
	}}
	if err := a.Start(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// alertmanagerBinary returns the path of the program, which it builds if need be.
func alertmanagerBinary(ctx context.Context) (string, error) {
	if err := need("Alertmanager", "install Go", "go"); err != nil {
		return "", err
	}
	version := alertmanagerModule[strings.Index(alertmanagerModule, "@")+1:]
	dir, err := cached("alertmanager-"+version, func(dir string) error { return buildAlertmanager(ctx, dir) })
	if err != nil {
		return "", fmt.Errorf("build Alertmanager: %w", err)
	}
	return filepath.Join(dir, "alertmanager"), nil
}

// buildAlertmanager builds a copy of the module: its web page is not a part of that,
// and the build wants a file in its place.
func buildAlertmanager(ctx context.Context, dir string) error {
	module, err := exec.CommandContext(ctx, "go", "mod", "download", "-json", alertmanagerModule).Output()
	if err != nil {
		return fmt.Errorf("download %s: %w", alertmanagerModule, err)
	}
	var where struct{ Dir string }
	if err := json.Unmarshal(module, &where); err != nil {
		return fmt.Errorf("download %s: %w", alertmanagerModule, err)
	}
	source := filepath.Join(dir, "source")
	if err := os.CopyFS(source, os.DirFS(where.Dir)); err != nil {
		return fmt.Errorf("copy %s: %w", alertmanagerModule, err)
	}
	defer func() { _ = os.RemoveAll(source) }()
	page := filepath.Join(source, "ui", "app", "dist", "index.html")
	if err := os.MkdirAll(filepath.Dir(page), 0o700); err != nil {
		return fmt.Errorf("make room for the web page: %w", err)
	}
	if err := os.WriteFile(page, nil, 0o600); err != nil {
		return fmt.Errorf("write empty web page: %w", err)
	}
	return execute(ctx, command{
		args: []string{"go", "build", "-o", filepath.Join(dir, "alertmanager"), "./cmd/alertmanager"},
		dir:  source,
		log:  filepath.Join(dir, "build.log"),
	})
}
