package testbed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"text/template"

	"golang.org/x/net/idna"
)

const (
	domain = "xmpp.test"
	muc    = "conference." + domain
)

// XMPP is a real XMPP server with rooms and the accounts notifier, observer,
// other and admin, the last of whom is an administrator. There are no rooms:
// their making differs between servers, and through XMPP it does not.
type XMPP struct {
	*Server
	Addr          string // host:port for STARTTLS, which is required
	DirectTLSAddr string // host:port for TLS from the first byte; "" on Vysper
	Domain        string // "xmpp.test", for which the certificate is good
	MUC           string // the service of the rooms, "conference.xmpp.test"
	WebSocketURL  string // for XMPP over WebSocket; "" unless Options.WebSocket
	CAFile        string // the CA to trust
	ConfigFile    string // the server's configuration, for its own tools
	API           string // ejabberd's HTTP API, "http://127.0.0.1:port/api"; "" elsewhere
	// Rooms is the service of the rooms where that is a process of its own
	// (jabberd2): it may be stopped and started by itself. nil elsewhere.
	Rooms *Server
}

// Password returns the password of an account, "notifier-pw" for notifier.
func Password(account string) string { return account + "-pw" }

func accounts() []string { return []string{"notifier", "observer", "other", "admin"} }

// xmppConfig is what the configuration templates are filled in with.
type xmppConfig struct {
	Dir, Domain, MUC   string
	C2S, TLS, HTTP     string // ports
	LDAP               string // port of the directory, "" if there is none
	Web                string // port for WebSockets, "" if there is none
	Throttle, Archive  bool
	PlainOnly, NoIDs   bool
	Captcha, OtherHash bool
	ArchiveFirst       bool
	OldTLS             bool
	MaxStanzaBytes     int
	History            int
	MessageInterval    float64 // seconds
	RoomRules          string
	Root               bool
	starttls, tls, api string // the same as addresses
}

// prepareXMPP makes certificates and the settings, on ports of its own.
func prepareXMPP(ctx context.Context, o Options) (xmppConfig, error) {
	o, err := o.prepare()
	if err != nil {
		return xmppConfig{}, err
	}
	if o.CA == nil {
		if o.CA, err = NewCA(); err != nil {
			return xmppConfig{}, err
		}
	}
	if err := o.issue(); err != nil {
		return xmppConfig{}, err
	}
	addrs, err := freeAddrs(ctx, 4)
	if err != nil {
		return xmppConfig{}, err
	}
	web := ""
	if o.WebSocket {
		web = port(addrs[3])
	}
	return xmppConfig{
		Dir: o.Dir, Domain: o.domain(), MUC: "conference." + o.domain(),
		C2S: port(addrs[0]), TLS: port(addrs[1]), HTTP: port(addrs[2]),
		Throttle: o.Throttle, Archive: o.Archive, PlainOnly: o.PlainOnly, NoIDs: o.NoIDs, Captcha: o.Captcha, OtherHash: o.OtherHash, ArchiveFirst: o.ArchiveFirst, History: o.history(),
		OldTLS: o.OldTLS, MaxStanzaBytes: o.MaxStanzaBytes,
		Web:             web,
		MessageInterval: o.MessageInterval.Seconds(), RoomRules: o.RoomRules,
		Root:     os.Geteuid() == 0,
		starttls: addrs[0], tls: addrs[1], api: addrs[2],
	}, nil
}

// issue makes the certificate of an XMPP server.
func (o Options) issue() error {
	name, err := idna.Lookup.ToASCII(o.domain())
	if err != nil {
		return fmt.Errorf("domain of the certificate: %w", err)
	}
	dir := filepath.Join(o.Dir, "certs")
	if o.NoNames {
		return o.CA.issueWithoutNames(dir, name)
	}
	return o.CA.Issue(dir, name, "conference."+name, "localhost", "conference.localhost", "127.0.0.1")
}

// handle returns the XMPP side of server, which c configures.
func (c xmppConfig) handle(server *Server, configFile string) *XMPP {
	url := ""
	if c.Web != "" {
		url = "wss://127.0.0.1:" + c.Web + "/xmpp-websocket"
		server.addrs = append(server.addrs, "127.0.0.1:"+c.Web)
	}
	return &XMPP{
		WebSocketURL: url,
		Server:       server,
		Addr:         c.starttls, DirectTLSAddr: c.tls,
		Domain: c.Domain, MUC: c.MUC,
		CAFile:     filepath.Join(c.Dir, "certs", "ca.crt"),
		ConfigFile: configFile,
	}
}

// fillIn writes the template text, filled in with data, to a file.
func fillIn(path, text string, data any) error {
	parsed, err := template.New(filepath.Base(path)).Parse(text)
	if err != nil {
		return fmt.Errorf("parse configuration: %w", err)
	}
	var filled bytes.Buffer
	if err := parsed.Execute(&filled, data); err != nil {
		return fmt.Errorf("fill in configuration: %w", err)
	}
	if err := os.WriteFile(path, filled.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	return nil
}
