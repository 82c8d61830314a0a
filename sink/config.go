package sink

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// Config is what the operator says about the XMPP account and the room.
type Config struct {
	JID      string        `envconfig:"XMPP_JID" required:"true" desc:"Account to log in with, user@domain. The domain names the server and is what its certificate must prove."`
	Password config.Secret `envconfig:"XMPP_PASSWORD" required:"true" desc:"Password of the account."`
	Addr     string        `envconfig:"XMPP_ADDR" desc:"Where the server listens, host:port. Default: what the SRV records of the domain say, else port 5222 of the domain itself."`

	TLS           string `envconfig:"XMPP_TLS" default:"auto" desc:"How TLS begins: starttls, direct (from the first byte), or auto: as the SRV record says, and with XMPP_ADDR direct on port 5223, else starttls. There is no way without TLS."`
	TLSServerName string `envconfig:"XMPP_TLS_SERVER_NAME" desc:"Name that the server's certificate must prove instead of the domain of XMPP_JID. Only for a certificate that cannot be mended."`
	CAFile        string `envconfig:"XMPP_CA_FILE" desc:"PEM file with the certificate authorities to trust instead of the system's."`

	Room         string        `envconfig:"XMPP_ROOM" required:"true" desc:"Room to post to, room@service, like alerts@conference.example.org."`
	RoomPassword config.Secret `envconfig:"XMPP_ROOM_PASSWORD" desc:"Password of the room, if it has one. The account's password is never sent to a room."`
	RoomCreate   bool          `envconfig:"XMPP_ROOM_CREATE" default:"false" desc:"Create the room, persistent and otherwise with the server's defaults, if it does not exist."`
	Nick         string        `envconfig:"XMPP_NICK" desc:"Nickname in the room; a suffix is added while somebody else has it. Default: the user part of XMPP_JID."`

	MaxInFlight    int           `envconfig:"XMPP_MAX_IN_FLIGHT" default:"16" desc:"Maximum messages in flight: sent to the room and not yet reflected, 1 to 333. It should not exceed the room's history (20 on most servers): after a broken connection the history tells which of them arrived. A server that dies and forgets its history can make the room show three times as many twice, and never more."`
	MaxStanzaBytes int           `envconfig:"XMPP_MAX_STANZA_BYTES" default:"65000" desc:"Longest stanza to send, in bytes, 1000 to 160000. Longer texts are cut with a mark. A server that announces a lower limit (XEP-0478) is obeyed."`
	IDKey          config.Secret `envconfig:"XMPP_ID_KEY" desc:"Key for the ids of messages, by which workers recognise what the room has already shown. Workers of one room need the same key. Default: derived from XMPP_PASSWORD."`

	ConnectTimeout time.Duration `envconfig:"XMPP_CONNECT_TIMEOUT" default:"30s" desc:"Limit for connecting, logging in and joining the room together."`
	PingInterval   time.Duration `envconfig:"XMPP_PING_INTERVAL" default:"30s" desc:"Silence after which the room is asked whether we are still in it (XEP-0410). After as much silence again the connection counts as dead."`
	StallTimeout   time.Duration `envconfig:"XMPP_STALL_TIMEOUT" default:"60s" desc:"How long the oldest message may wait for its reflection while it is the oldest; then the worker reconnects and asks the room's history."`
	ReconnectMax   time.Duration `envconfig:"XMPP_RECONNECT_MAX" default:"30s" desc:"Longest pause between two attempts to connect. Pauses are random and grow up to it."`
}

const (
	minStanzaBytes = 1000    // room for addresses and some text
	maxStanzaBytes = 160_000 // a reflection with everything escaped still fits into maxInbound
	minInFlight    = 1
	maxInFlight    = 333
	shortestTime   = time.Millisecond
)

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, _, err := SplitJID(c.JID); err != nil {
		bad("XMPP_JID=%q: %w: give the account as user@domain, like notifier@example.org", c.JID, err)
	}
	if _, _, err := SplitJID(c.Room); err != nil {
		bad("XMPP_ROOM=%q: %w: give the room as room@service, like alerts@conference.example.org", c.Room, err)
	}
	if err := config.CheckAddress(c.Addr, 5222); c.Addr != "" && err != nil {
		bad("XMPP_ADDR=%q %w", c.Addr, err)
	}
	if mode := conn.Mode(c.TLS); mode != conn.Auto && mode != conn.StartTLS && mode != conn.Direct {
		bad("XMPP_TLS=%q: use %s, %s or %s", c.TLS, conn.Auto, conn.StartTLS, conn.Direct)
	}
	if strings.ContainsFunc(c.Nick, unicode.IsControl) {
		bad("XMPP_NICK=%q: has a control character: remove it", c.Nick)
	}
	if c.MaxInFlight < minInFlight || c.MaxInFlight > maxInFlight {
		bad("XMPP_MAX_IN_FLIGHT=%d: use %d to %d; 16 suits most servers", c.MaxInFlight, minInFlight, maxInFlight)
	}
	if c.MaxStanzaBytes < minStanzaBytes || c.MaxStanzaBytes > maxStanzaBytes {
		bad("XMPP_MAX_STANZA_BYTES=%d: use %d to %d", c.MaxStanzaBytes, minStanzaBytes, maxStanzaBytes)
	}
	if _, err := c.roots(); err != nil {
		errs = append(errs, err)
	}
	return append(errs, c.validateTimes()...)
}

// History is how many messages of the room's history are asked for: all that were
// in flight or recently shown fit into it.
func (c Config) History() int { return max(HistoryWanted, 3*c.MaxInFlight) }

func (c Config) validateTimes() []error {
	var errs []error
	for name, d := range map[string]time.Duration{
		"XMPP_CONNECT_TIMEOUT": c.ConnectTimeout, "XMPP_PING_INTERVAL": c.PingInterval,
		"XMPP_STALL_TIMEOUT": c.StallTimeout, "XMPP_RECONNECT_MAX": c.ReconnectMax,
	} {
		if d < shortestTime {
			errs = append(errs, fmt.Errorf("%s=%s: must be %s or longer, like 30s", name, d, shortestTime))
		}
	}
	return errs
}

// roots returns the authorities of CAFile; nil stands for the system's.
func (c Config) roots() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("XMPP_CA_FILE=%q: %w: name a readable PEM file", c.CAFile, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("XMPP_CA_FILE=%q: holds no PEM certificate: give the authority's certificate in PEM form", c.CAFile)
	}
	return pool, nil
}

// Account is who we are and how we get there.
func (c Config) Account() (*conn.Account, error) {
	local, domain, err := SplitJID(c.JID)
	if err != nil {
		return nil, fmt.Errorf("XMPP_JID=%q: %w", c.JID, err)
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	account := conn.NewAccount(local, domain, c.Password, cmp.Or(c.TLSServerName, domain), roots)
	account.Addr, account.Mode = c.Addr, conn.Mode(c.TLS)
	return account, nil
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

// SplitJID splits user@domain, in lower case as servers compare it. It does
// not apply the PRECIS profiles of RFC 7622: the server does, and its answers
// tell the result.
func SplitJID(jid string) (local, domain string, err error) {
	local, domain, found := strings.Cut(strings.ToLower(jid), "@")
	switch {
	case !found || local == "" || domain == "":
		return "", "", errors.New("is not of the form a@b")
	case strings.Contains(domain, "/"):
		return "", "", errors.New("has a resource, which begins with the /")
	case strings.ContainsAny(jid, "/ <>'\"&") || strings.Contains(domain, "@") || strings.ContainsFunc(jid, unicode.IsControl):
		return "", "", errors.New("has a character that is not allowed here")
	case len(local) > 1023 || len(domain) > 1023:
		return "", "", errors.New("is longer than RFC 7622 allows")
	}
	return local, domain, nil
}
