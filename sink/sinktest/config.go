package sinktest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
)

// TLSMode says what the STARTTLS listener offers before encryption.
type TLSMode int

const (
	// TLSRequired offers STARTTLS and refuses to log anybody in without it.
	TLSRequired TLSMode = iota
	// TLSOptional offers STARTTLS, and the login in clear next to it, as jabberd2 does.
	TLSOptional
	// TLSNever does not offer STARTTLS. A careful client goes away.
	TLSNever
)

// Config describes the server to start. The zero value is complete.
type Config struct {
	Domain   string            // of the accounts; default "xmpp.test"
	Service  string            // of the rooms; default "conference." + Domain
	Room     string            // the local part of the one room; default "alerts"
	Users    map[string]string // passwords by account; default notifier and observer, password NAME-pw
	Admins   []string          // accounts that may make others (XEP-0133), and own every room
	Register bool              // anybody may make an account (XEP-0077)

	Directory bool // the accounts are those of a directory: administrators cannot make any (XEP-0133)

	ReservedNicks bool // members are admitted with a nickname only (XEP-0045, section 7.10)

	RoomPassword string // what a join must give, "" for an open room
	RoomMissing  bool   // the room does not exist until somebody joins it (status 201)

	HistorySize    int  // messages that the room remembers; default 20, negative for none
	KeepHistory    bool // the history survives Stop, as with an archive
	Archive        bool // the room has an archive (XEP-0313) of all messages, over restarts
	StoresUnshown  bool // history and archive have what the room swallows, too, as those of a gateway that stores what it gets
	TranscriptSize int  // posts that Transcript remembers; default all of them

	MaxStanzaBytes  int  // a larger stanza ends the stream; default 262144
	AdvertiseLimits bool // announces MaxStanzaBytes by XEP-0478

	TLS             TLSMode   // of the STARTTLS listener
	NewestTLS       uint16    // newest version of TLS, like tls.VersionTLS11; default 1.3
	Mechanisms      []string  // SASL, best first; default SCRAM-SHA-512, -256, -1 and PLAIN
	ChannelBindings []string  // announced by XEP-0440 next to a -PLUS mechanism; default tls-exporter and tls-server-end-point
	NotStored       []string  // mechanisms on offer for which the passwords are not stored
	CertNames       []string  // of the certificate, "" for none; default Domain, Service, localhost and 127.0.0.1
	CertNotAfter    time.Time // default in a day; the past makes an expired certificate

	// Listen replaces TCP: the first address is port 0, and after Stop it is what
	// the listener said. Connections may have CloseWrite and SetLinger, as those of TCP.
	Listen    func(addr string) (net.Listener, error)
	Authority *Authority // to be trusted instead of one of the server's own

	MaxQueueBytes int           // unread output after which a session is dropped; default 8 MiB
	WriteTimeout  time.Duration // of one write to a client; default 10 s

	Profile Profile // the habits of a certain server; default those of Prosody
}

// withDefaults fills in what was left out and owns its slices and maps.
func (c Config) withDefaults() (Config, error) {
	c.Domain = cmp.Or(c.Domain, "xmpp.test")
	c.Service = cmp.Or(c.Service, "conference."+c.Domain)
	c.Room = cmp.Or(c.Room, "alerts")
	c.HistorySize = cmp.Or(c.HistorySize, 20)
	c.MaxStanzaBytes = cmp.Or(c.MaxStanzaBytes, 256<<10)
	c.MaxQueueBytes = cmp.Or(c.MaxQueueBytes, 8<<20)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 10*time.Second)
	c.CertNotAfter = cmp.Or(c.CertNotAfter, time.Now().Add(24*time.Hour))
	c.Users = maps.Clone(c.Users)
	if c.Users == nil {
		c.Users = map[string]string{"notifier": "notifier-pw", "observer": "observer-pw"}
	}
	c.Mechanisms = orSlice(c.Mechanisms, "SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN")
	c.ChannelBindings = orSlice(c.ChannelBindings, "tls-exporter", "tls-server-end-point")
	c.CertNames = orSlice(c.CertNames, c.Domain, c.Service, "localhost", "127.0.0.1")
	return c, c.check()
}

func (c Config) check() error {
	for _, part := range []string{c.Domain, c.Service, c.Room} {
		if part != strings.ToLower(part) || strings.ContainsAny(part, "@/ '\"<>&") {
			return fmt.Errorf("check address part %q: want lower case without @, /, spaces and quotes", part)
		}
	}
	if c.Domain == c.Service {
		return errors.New("check service: it must differ from the domain")
	}
	return nil
}

// orSlice returns a copy of the values, or the defaults if there are none at all.
func orSlice(values []string, fallback ...string) []string {
	if values == nil {
		return fallback
	}
	return slices.Clone(values)
}
