package testbed

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed jabberd2
var jabberd2Files embed.FS

// Jabberd2 starts a jabberd2 with mu-conference for the rooms: four processes
// that find each other through jabberd2's router. It has no archive. Its
// accounts log in with PLAIN, and stanzas are limited to 65535 bytes, as in
// Debian's configuration. XMPP.Rooms is mu-conference alone.
func Jabberd2(ctx context.Context, o Options) (*XMPP, error) {
	const fix = "install the packages jabberd2, jabber-muc and sqlite3"
	if err := need("jabberd2", fix, "jabberd2-router", "jabberd2-sm", "jabberd2-c2s", "mu-conference", "sqlite3"); err != nil {
		return nil, err
	}
	modules, err := filepath.Glob("/usr/lib/*/jabberd2/authreg_sqlite.so")
	if err != nil || len(modules) == 0 {
		return nil, &Missing{"jabberd2", "no /usr/lib/*/jabberd2/authreg_sqlite.so: " + fix}
	}
	o.WebSocket = false // it has none
	c, err := prepareXMPP(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("prepare jabberd2: %w", err)
	}
	router, err := freeAddrs(ctx, 1)
	if err != nil {
		return nil, fmt.Errorf("prepare jabberd2: %w", err)
	}
	j := jabberd2{xmppConfig: c, Router: port(router[0]), Modules: filepath.Dir(modules[0])}
	if err := j.prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare jabberd2: %w", err)
	}
	x := j.assemble(router[0])
	if err := x.Start(ctx); err != nil {
		return nil, err
	}
	return x, nil
}

// jabberd2 is what the configuration templates are filled in with.
type jabberd2 struct {
	xmppConfig
	Router  string // port
	Modules string // folder
}

// prepare writes the configuration and the accounts.
func (j jabberd2) prepare(ctx context.Context) error {
	for _, name := range []string{"rooms", "rooms-logs"} {
		if err := os.MkdirAll(filepath.Join(j.Dir, name), 0o700); err != nil {
			return fmt.Errorf("create data folder: %w", err)
		}
	}
	for _, name := range []string{"router.xml", "router-users.xml", "sm.xml", "c2s.xml", "muc.xml"} {
		text, err := jabberd2Files.ReadFile("jabberd2/" + name)
		if err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		if err := fillIn(filepath.Join(j.Dir, name), string(text), j); err != nil {
			return err
		}
	}
	var accountsSQL strings.Builder
	for _, name := range accounts() {
		fmt.Fprintf(&accountsSQL, "insert into authreg(username,realm,password) values('%s','%s','%s');\n", name, domain, Password(name))
		fmt.Fprintf(&accountsSQL, `insert into active("collection-owner",time) values('%s@%s',strftime('%%s','now'));`+"\n", name, domain)
	}
	sql := filepath.Join(j.Dir, "accounts.sql")
	if err := os.WriteFile(sql, []byte(accountsSQL.String()), 0o600); err != nil {
		return fmt.Errorf("write accounts: %w", err)
	}
	const schema = "/usr/share/doc/jabberd2/db-setup.sqlite.gz"
	return execute(ctx, command{
		args: []string{"sh", "-ec", `{ gzip -dc "$1"; cat "$2"; } | sqlite3 -bail "$3"`, "sh", schema, sql, filepath.Join(j.Dir, "sqlite.db")},
		log:  filepath.Join(j.Dir, "sqlite.log"),
	})
}

// assemble puts the processes in order: c2s, which lets clients in, is last.
func (j jabberd2) assemble(router string) *XMPP {
	rooms := j.part("mu-conference", "muc.xml", j.online(muc))
	rooms.hangs = true // docs/servers.md, trace 10
	x := j.handle(j.part("jabberd2-c2s", "c2s.xml", nil, j.starttls, j.tls), filepath.Join(j.Dir, "c2s.xml"))
	x.name = "jabberd2"
	x.before = []*Server{
		j.part("jabberd2-router", "router.xml", nil, router),
		j.part("jabberd2-sm", "sm.xml", j.online(domain)),
		rooms,
	}
	x.Rooms = rooms
	return x
}

// part is one of the processes. The router's log tells what is online now, so
// the router starts with an empty one.
func (j jabberd2) part(program, config string, ready func(context.Context) error, addrs ...string) *Server {
	config = filepath.Join(j.Dir, config)
	args := []string{program, "-c", config}
	if program == "jabberd2-router" {
		args = []string{"sh", "-c", `rm -f "$2" && exec jabberd2-router -c "$1"`, "sh", config, j.routerLog()}
	}
	return &Server{
		name:    program,
		command: command{args: args, dir: j.Dir, log: filepath.Join(j.Dir, "console.log")},
		addrs:   addrs,
		ready:   ready,
	}
}

func (j jabberd2) routerLog() string { return filepath.Join(j.Dir, "router.log") }

// online returns a probe of whether the router knows the component.
func (j jabberd2) online(component string) func(context.Context) error {
	return func(context.Context) error {
		text, err := os.ReadFile(j.routerLog())
		if err != nil {
			return fmt.Errorf("read the router's log: %w", err)
		}
		last := strings.LastIndex(string(text), "["+component+"] online")
		if last < 0 || last < strings.LastIndex(string(text), "["+component+"] offline") {
			return fmt.Errorf("%s is not online", component)
		}
		return nil
	}
}
