package sink

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/internal/proxy"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/jid"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// Config is what the operator says about the XMPP account and the room.
type Config struct {
	JID      string        `envconfig:"XMPP_JID" required:"true" desc:"Account to log in with, user@domain. The domain names the server and is what its certificate must prove."`
	Password config.Secret `envconfig:"XMPP_PASSWORD" required:"true" desc:"Password of the account."`
	Addr     string        `envconfig:"XMPP_ADDR" desc:"Where the server listens, host:port. Or wss://HOST/PATH, for XMPP over WebSocket (RFC 7395). Default: the SRV records of the domain, else port 5222 of the domain itself."`

	Proxy string `envconfig:"XMPP_PROXY" desc:"Proxy to connect through, socks5://HOST:PORT or http://HOST:PORT, with USER:PASSWORD@ before HOST if the proxy requires them. It also resolves names. Default: ALL_PROXY, except for the hosts of NO_PROXY."`

	TLS           string `envconfig:"XMPP_TLS" default:"auto" desc:"How TLS begins: starttls, direct (from the first byte), or auto: as the SRV record says, and with XMPP_ADDR direct on port 5223, else starttls. A WebSocket has TLS from the first byte. TLS is always used."`
	TLSServerName string `envconfig:"XMPP_TLS_SERVER_NAME" desc:"Name that the server's certificate must prove instead of the domain of XMPP_JID, or the host of a WebSocket's URL. Only for a certificate that cannot be replaced."`
	CAFile        string `envconfig:"XMPP_CA_FILE" desc:"PEM file with the certificate authorities to trust instead of the system's."`

	Room         string        `envconfig:"XMPP_ROOM" required:"true" desc:"Room to post to, room@service, like alerts@conference.example.org."`
	RoomPassword config.Secret `envconfig:"XMPP_ROOM_PASSWORD" desc:"Password of the room, if it has one. The account's password is never sent to a room."`
	RoomCreate   bool          `envconfig:"XMPP_ROOM_CREATE" default:"false" desc:"Create the room, persistent and otherwise with the server's defaults, if it does not exist."`
	Nick         string        `envconfig:"XMPP_NICK" desc:"Nickname in the room; a suffix is added while somebody else has it. Default: the user part of XMPP_JID."`

	IDKey config.Secret `envconfig:"XMPP_ID_KEY" desc:"Key for the ids of messages, by which workers recognise what the room has already shown. Workers of one room need the same key. Default: derived from XMPP_PASSWORD, so a changed password makes other ids: what was in flight then may be shown twice."`

	Limits
}

// Limits bound what is sent, and what is waited for.
type Limits struct {
	MaxInFlight    int `envconfig:"XMPP_MAX_IN_FLIGHT" default:"16" desc:"Maximum messages in flight: sent to the room and not yet reflected, 1 to 333. It should not exceed the room's history (20 on most servers): after a broken connection the history tells which of them arrived. If the server is killed and loses the history, up to three times as many messages may be shown twice."`
	EditWithin     int `envconfig:"EDIT_WITHIN" default:"20" desc:"With RESOLVED=edit or both: a recovery corrects its alarm only if at most so many messages of workers have followed it, 0 to 200; else the recovery is a message of its own."`
	MaxStanzaBytes int `envconfig:"XMPP_MAX_STANZA_BYTES" default:"65000" desc:"Longest stanza to send, in bytes, 1000 to 160000. Longer texts are cut with a mark. A server that announces a lower limit (XEP-0478) is obeyed."`

	ConnectTimeout time.Duration `envconfig:"XMPP_CONNECT_TIMEOUT" default:"30s" desc:"Limit for connecting, logging in and joining the room together."`
	PingInterval   time.Duration `envconfig:"XMPP_PING_INTERVAL" default:"30s" desc:"Idle time before the worker sends a self-ping (XEP-0410). After as much silence again the connection counts as dead."`
	StallTimeout   time.Duration `envconfig:"XMPP_STALL_TIMEOUT" default:"60s" desc:"How long the oldest message may wait for its reflection while it is the oldest; then the worker reconnects and reads the room's history."`
	ReconnectMax   time.Duration `envconfig:"XMPP_RECONNECT_MAX" default:"30s" desc:"Longest pause between two attempts to connect. Pauses are random and grow up to it."`
}

const (
	minStanzaBytes = 1000    // room for addresses and some text
	maxStanzaBytes = 160_000 // a reflection with everything escaped still fits into maxInbound
	minInFlight    = 1
	maxInFlight    = 333
	maxEditWithin  = 200
	shortestTime   = time.Millisecond
)

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	var faults check.Faults
	_, err := jid.Parse(c.JID)
	faults.Add(err != nil, "give the account as user@domain, like notifier@example.org", "XMPP_JID=%q %w", withoutQuery(c.JID), err)
	_, err = jid.Parse(c.Room)
	faults.Add(err != nil, "give the room as room@service, like alerts@conference.example.org", "XMPP_ROOM=%q %w", withoutQuery(c.Room), err)
	_, err = jid.Nickname(c.Nick)
	faults.Add(c.Nick != "" && err != nil, "remove it", "XMPP_NICK=%q %w", c.Nick, err)
	modes := []conn.Mode{conn.Auto, conn.StartTLS, conn.Direct}
	faults.Add(!slices.Contains(modes, conn.Mode(c.TLS)), fmt.Sprintf("use %s, %s or %s", conn.Auto, conn.StartTLS, conn.Direct), "XMPP_TLS=%q", c.TLS)
	if _, err := c.Password.Prepared(); err != nil {
		faults = append(faults, fmt.Errorf("XMPP_PASSWORD: %w", err))
	}
	if err := c.checkAddr(); c.Addr != "" && err != nil {
		faults = append(faults, fmt.Errorf("XMPP_ADDR=%q %w", c.Addr[strings.LastIndex(c.Addr, "@")+1:], err)) // a URL may have a password
	}
	if _, err := c.dialer(); err != nil {
		faults = append(faults, err)
	}
	if _, err := c.roots(); err != nil {
		faults = append(faults, err)
	}
	return append(faults, c.validate()...)
}

func (l *Limits) validate() (faults check.Faults) {
	for _, number := range []struct {
		name          string
		is, low, high int
		hint          string
	}{
		{"XMPP_MAX_IN_FLIGHT", l.MaxInFlight, minInFlight, maxInFlight, "; 16 suits most servers"},
		{"XMPP_MAX_STANZA_BYTES", l.MaxStanzaBytes, minStanzaBytes, maxStanzaBytes, ""},
		{"EDIT_WITHIN", l.EditWithin, 0, maxEditWithin, "; 20 is what people have before them"},
	} {
		faults.Add(number.is < number.low || number.is > number.high, fmt.Sprintf("use %d to %d%s", number.low, number.high, number.hint), "%s=%d", number.name, number.is)
	}
	for name, d := range map[string]time.Duration{
		"XMPP_CONNECT_TIMEOUT": l.ConnectTimeout, "XMPP_PING_INTERVAL": l.PingInterval,
		"XMPP_STALL_TIMEOUT": l.StallTimeout, "XMPP_RECONNECT_MAX": l.ReconnectMax,
	} {
		faults.Add(d < shortestTime, fmt.Sprintf("must be %s or longer, like 30s", shortestTime), "%s=%s", name, d)
	}
	return faults
}

// withoutQuery is an address without what a URI may have behind it: a password of the room.
func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// checkAddr says what is wrong with Addr.
func (c Config) checkAddr() error {
	switch u, err := url.Parse(c.Addr); {
	case strings.HasPrefix(c.Addr, "ws://"):
		return check.Faultf("use wss://", "is a WebSocket without TLS")
	case !strings.HasPrefix(c.Addr, conn.SchemeWebSocket):
		return config.CheckAddress(c.Addr, 5222)
	case err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "":
		return check.Faultf("write wss://HOST/PATH, like wss://xmpp.example.org/xmpp-websocket", "is no URL of a WebSocket")
	default:
		return nil
	}
}

// certified is what the server's certificate must prove: of a WebSocket it is the host
// of the URL.
func (c Config) certified(domain string) string {
	host := ""
	if u, err := url.Parse(c.Addr); err == nil && strings.HasPrefix(c.Addr, conn.SchemeWebSocket) {
		host = u.Hostname()
	}
	return cmp.Or(c.TLSServerName, jid.ASCII(cmp.Or(host, domain)))
}

// History is how many messages of the room's history are asked for: all that were
// in flight or recently shown fit into it.
func (c Config) History() int { return max(HistoryWanted, 3*c.MaxInFlight) }

// roots returns the authorities of CAFile; nil stands for the system's.
func (c Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, check.Faultf("name a readable PEM file", "XMPP_CA_FILE=%q: %w", c.CAFile, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, check.Faultf("give the authority's certificate in PEM form", "XMPP_CA_FILE=%q: holds no PEM certificate", c.CAFile)
	}
	return pool, nil
}

// Prepared returns c with its addresses as RFC 7622 wants them compared. One that
// is wrong stays as it is.
func (c Config) Prepared() Config {
	if account, err := jid.Parse(c.JID); err == nil {
		c.JID = account.String()
	}
	if room, err := jid.Parse(c.Room); err == nil {
		c.Room = room.String()
	}
	if nick, err := jid.Nickname(c.Nick); err == nil {
		c.Nick = nick
	}
	return c
}

// Account is who we are and how we get there.
func (c Config) Account() (*conn.Account, error) {
	bare, err := jid.Parse(c.JID)
	if err != nil {
		return nil, fmt.Errorf("XMPP_JID=%q %w", c.JID, err)
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	dial, err := c.dialer()
	if err != nil {
		return nil, err
	}
	account := conn.NewAccount(bare.Local, bare.Domain, c.Password, c.certified(bare.Domain), roots)
	account.Addr, account.Mode = c.Addr, conn.Mode(c.TLS)
	if dial != nil {
		account.Dial = conn.Dialer(dial)
	}
	return account, nil
}

// dialer is how to connect through a proxy, nil if there is none.
func (c Config) dialer() (proxy.Dial, error) {
	if c.Proxy == "" {
		return proxy.FromEnvironment()
	}
	dial, err := proxy.New(c.Proxy)
	if err != nil {
		return nil, fmt.Errorf("XMPP_PROXY %w", err)
	}
	return dial, nil
}

// Nickname is the nickname that we want.
func (c Config) Nickname() string {
	local, _, _ := strings.Cut(c.JID, "@")
	return cmp.Or(c.Nick, local)
}

// minter makes the ids of messages, and the key for them.
func (c Config) minter() (*outbox.Minter, error) {
	if key := c.IDKey.Reveal(); key != "" {
		return outbox.NewMinter(key, c.Room, false)
	}
	return outbox.NewMinter(c.Password.Reveal(), c.Room, true)
}
