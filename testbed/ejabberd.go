package testbed

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
)

//go:embed ejabberd.yml
var ejabberdConfig string

//go:embed captcha.sh
var captchaCommand []byte

// Ejabberd starts an ejabberd. What it stores reaches the disk within 2 s, so
// that a Kill right after a change loses the change, as a crash would; with
// Stop nothing is lost. The accounts are safe from the start, the archive,
// which is written every few minutes, never is.
func Ejabberd(ctx context.Context, o Options) (*XMPP, error) {
	libs, version, err := findEjabberd()
	if err != nil {
		return nil, err
	}
	x, err := newEjabberd(ctx, o, libs)
	if err != nil {
		return nil, fmt.Errorf("prepare ejabberd: %w", err)
	}
	if !o.Directory {
		if err := x.copyAccounts(ctx, libs, version); err != nil {
			return nil, fmt.Errorf("prepare ejabberd: %w", err)
		}
	}
	if err := x.Start(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

// copyAccounts gives the server the database that holds the accounts.
func (x *XMPP) copyAccounts(ctx context.Context, libs, version string) error {
	home, err := cached(version, func(dir string) error { return storeAccounts(ctx, dir, libs) })
	if err != nil {
		return err
	}
	data := os.DirFS(filepath.Join(home, "mnesia"))
	if err := os.CopyFS(filepath.Join(x.command.dir, "mnesia"), data); err != nil {
		return fmt.Errorf("copy accounts: %w", err)
	}
	return nil
}

// findEjabberd returns the folder of the Erlang libraries and the name and
// version of ejabberd in it.
func findEjabberd() (libs, version string, err error) {
	const fix = "install the package ejabberd"
	if err := need("ejabberd", fix, "erl"); err != nil {
		return "", "", err
	}
	found, err := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")
	if err != nil || len(found) == 0 {
		return "", "", &Missing{"ejabberd", "no /usr/lib/*/ejabberd-*: " + fix}
	}
	home := filepath.Dir(filepath.Dir(found[0]))
	return filepath.Dir(home), filepath.Base(home), nil
}

// storeAccounts makes a database that holds the accounts in dir/mnesia. Every
// server starts with a copy of it: accounts made anew would be at risk for 2 s.
func storeAccounts(ctx context.Context, dir, libs string) error {
	x, err := newEjabberd(ctx, Options{Dir: dir}, libs)
	if err != nil {
		return err
	}
	if err := x.Start(ctx); err != nil {
		return err
	}
	for _, name := range accounts() {
		account := map[string]string{"user": name, "host": domain, "password": Password(name)}
		if err := x.call(ctx, "register", account); err != nil {
			return errors.Join(fmt.Errorf("register %s: %w", name, err), x.Kill())
		}
	}
	return x.Stop(ctx)
}

// newEjabberd writes the configuration. ejabberd runs without a node name, so
// that it needs no epmd and no cookie, and SIGTERM stops it in order.
func newEjabberd(ctx context.Context, o Options, libs string) (*XMPP, error) {
	c, err := prepareXMPP(ctx, o)
	if err != nil {
		return nil, err
	}
	var before []*Server
	if o.Directory {
		directory, err := c.directory(ctx)
		if err != nil {
			return nil, err
		}
		before = append(before, directory)
	}
	config := filepath.Join(c.Dir, "ejabberd.yml")
	if err := fillIn(config, ejabberdConfig, c); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(c.Dir, "captcha"), captchaCommand, 0o700); err != nil { //nolint:gosec // it is run
		return nil, fmt.Errorf("write captcha command: %w", err)
	}
	x := c.handle(&Server{
		name: "ejabberd",
		command: command{
			args: []string{
				"erl", "+K", "true", "+P", "250000", "-noinput",
				"-mnesia", "dir", fmt.Sprintf("%q", filepath.Join(c.Dir, "mnesia")),
				"-ejabberd", "log_rotate_count", "0", "-s", "ejabberd",
			},
			env: []string{
				"HOME=" + c.Dir, "ERL_LIBS=" + libs, "EJABBERD_CONFIG_PATH=" + config,
				"EJABBERD_LOG_PATH=" + filepath.Join(c.Dir, "ejabberd.log"),
				"EJABBERD_PID_PATH=" + filepath.Join(c.Dir, "ejabberd.pid"),
				"ERL_MAX_PORTS=32000", "ERL_CRASH_DUMP_BYTES=0",
			},
			dir: c.Dir,
			log: filepath.Join(c.Dir, "console.log"),
		},
		addrs:  []string{c.starttls, c.tls, c.api},
		before: before,
	}, config)
	x.API = "http://" + c.api + "/api"
	x.ready = func(ctx context.Context) error { return x.call(ctx, "status", struct{}{}) }
	return x, nil
}

// call runs a command of ejabberd's HTTP API.
func (x *XMPP) call(ctx context.Context, name string, arguments any) error {
	body, err := json.Marshal(arguments)
	if err != nil {
		return fmt.Errorf("encode %s: %w", name, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, x.API+"/"+name, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Close = true // the server may be restarted before the next one
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("call ejabberd: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // read for its status only
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("call ejabberd: %s says %s", name, response.Status)
	}
	return nil
}
