// Package testbed starts real servers, for tests and benchmarks: Prosody,
// ejabberd, jabberd2, Apache Vysper, NATS, Apache Kafka. Each is a process of our own on loopback, with
// ports, certificates, accounts and data of its own in a work folder, and needs
// neither root nor containers.
//
// Prosody, Ejabberd, Jabberd2, Vysper, NATS and Kafka return a handle to a server that is ready.
// Its methods stop, kill and start it again on the same ports and data, which
// is how tests make servers fail in mid-run. The servers die with the process
// that started them, however that ends (Linux; elsewhere call Kill).
//
// Where the software is not installed the error is a *Missing, so that a caller
// can report "not run, because …". On Debian, install-debian.sh installs it.
package testbed

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// Options says how to run a server. Only Dir is required.
type Options struct {
	// Dir is the work folder: configuration, certificates, data, logs. It is
	// created if need be, belongs to one server, and is the caller's to delete
	// after Stop or Kill.
	Dir string
	// CA issues the certificate of an XMPP server and of a secure Kafka; nil
	// makes a CA of its own.
	CA *CA
	// Secure has Kafka listen with TLS, mutual TLS and SASL as well.
	Secure bool

	// The rest concerns the XMPP servers only.

	// Throttle turns on the limits that Debian ships (Prosody 10 kB/s,
	// ejabberd 3 kB/s for each client). Without it there are none.
	Throttle bool
	// MessageInterval has rooms take a message only so often: of each occupant with
	// ejabberd (min_message_interval), of all together with Prosody, which bounces
	// the others. 0 is no limit; jabberd2 and Vysper know none.
	MessageInterval time.Duration
	// RoomRules has the rooms of Prosody refuse or swallow messages: rules for its
	// mod_firewall. Elsewhere there is nothing like it.
	RoomRules string
	// NoIDs has the rooms of Prosody show messages without their ids.
	NoIDs bool
	// ArchiveFirst has the rooms of Prosody lose each text the first time, after they have
	// stored it without its id in their archive.
	ArchiveFirst bool
	// Domain is that of a Prosody, with U-labels; "" means xmpp.test. The certificate has
	// A-labels.
	Domain string
	// NoNames leaves the certificate without a subjectAltName.
	NoNames bool
	// OldTLS has Prosody speak nothing newer than TLS 1.1.
	OldTLS bool
	// MaxStanzaBytes has Prosody end the stream of a client that sends more; 0 is its default.
	MaxStanzaBytes int
	// WebSocket has Prosody and ejabberd take clients by WebSocket, too (RFC 7395).
	WebSocket bool
	// OtherHash has ejabberd offer SCRAM with another hash than that for which the
	// passwords are stored, as after a change of its auth_scram_hash.
	OtherHash bool
	// Captcha has every room of ejabberd ask for one before it lets somebody in who is
	// no member.
	Captcha bool
	// Archive keeps the messages of rooms in an archive (XEP-0313).
	Archive bool
	// Directory has ejabberd take its accounts from an OpenLDAP of its own.
	Directory bool
	// PlainOnly leaves PLAIN as the only way to log in, as with accounts in an
	// LDAP directory. jabberd2 and Vysper have no better one anyway.
	PlainOnly bool
	// HistorySize is how many messages a new room replays to clients that ask for them;
	// 0 means 20, the default of most servers, and a negative number none.
	// To a client that names no number Prosody replays at most 20.
	HistorySize int
}

// prepare makes the work folder and its path absolute: servers change theirs.
func (o Options) prepare() (Options, error) {
	if o.Dir == "" {
		return o, errors.New("no work folder: set Options.Dir, for example to t.TempDir()")
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return o, fmt.Errorf("find work folder: %w", err)
	}
	o.Dir = dir
	return o, os.MkdirAll(dir, 0o700)
}

func (o Options) domain() string { return cmp.Or(o.Domain, domain) }

func (o Options) history() int {
	if o.HistorySize == 0 {
		return 20
	}
	return max(o.HistorySize, 0)
}

// Missing reports that a server cannot run on this machine.
type Missing struct { //nolint:errname // reads well where it is used: *testbed.Missing
	Server string // "Prosody", "ejabberd", "jabberd2", "Vysper", "OpenLDAP", "NATS" or "Kafka"
	Why    string // what is missing, and the fix
}

// Error tells which server is meant, why it cannot run, and the fix.
func (m *Missing) Error() string { return "real " + m.Server + ": " + m.Why }

// need returns a *Missing for the first of programs that is not installed.
func need(server, fix string, programs ...string) error {
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			return &Missing{server, program + " not found: " + fix}
		}
	}
	return nil
}

// needFile returns a *Missing if a file is not there.
func needFile(server, fix, path string) error {
	if _, err := os.Stat(path); err != nil {
		return &Missing{server, path + " not found: " + fix}
	}
	return nil
}
