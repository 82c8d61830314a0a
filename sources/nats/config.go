package nats

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Config holds the settings of the JetStream source.
type Config struct {
	URLs       []string      `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222" desc:"addresses of the servers, comma-separated; schemes nats, tls, ws, wss"`
	Stream     string        `envconfig:"NATS_STREAM" required:"true" desc:"stream to read; it must exist"`
	Consumer   string        `envconfig:"NATS_CONSUMER" default:"xmpp-notifier" desc:"durable pull consumer; workers with the same one share the work"`
	Create     bool          `envconfig:"NATS_CREATE" default:"false" desc:"create the durable consumer if it is missing; it then begins with the oldest message of the stream"`
	Subjects   []string      `envconfig:"NATS_SUBJECTS" desc:"subjects to read, comma-separated, wildcards allowed, empty for all; used only to create the consumer"`
	AckWait    time.Duration `envconfig:"NATS_ACK_WAIT" default:"30s" desc:"a worker that died is replaced after this time, at least 1s; used only to create the consumer"`
	DLQSubject string        `envconfig:"NATS_DLQ_SUBJECT" default:"dlq" desc:"dead letters go to the subject <this>.<stream>.<subject>, which a stream of their own must capture"`

	User     string        `envconfig:"NATS_USER" desc:"user name"`
	Password config.Secret `envconfig:"NATS_PASSWORD" desc:"password of the user"`
	Token    config.Secret `envconfig:"NATS_TOKEN" desc:"token, instead of a user"`
	Creds    string        `envconfig:"NATS_CREDS" desc:"credentials file (JWT and seed), instead of a user"`
	NKey     string        `envconfig:"NATS_NKEY" desc:"file with the seed of an NKey, instead of a user"`
	CA       string        `envconfig:"NATS_CA" desc:"PEM file of the certificate authorities to trust instead of the system's; switches TLS on"`
	Cert     string        `envconfig:"NATS_CERT" desc:"PEM file of the client certificate; switches TLS on"`
	Key      string        `envconfig:"NATS_KEY" desc:"PEM file of the client certificate's key"`
}

// minAckWait leaves the keepalive, at a third of it, room for a slow network.
const minAckWait = time.Second

// Validate reports what is wrong with the settings, each with its cure.
func (c Config) Validate() []error {
	return slices.Concat(c.validateURLs(), c.validateNames(), c.validateConsumer(), c.validateAuth())
}

func (c Config) validateURLs() []error {
	if len(c.URLs) == 0 {
		return []error{errors.New("NATS_URL is empty: name at least one server like nats://host:4222")}
	}
	var errs []error
	for _, address := range c.URLs {
		u, err := url.Parse(strings.TrimSpace(address))
		switch {
		case err != nil || u.Host == "":
			// The text is not repeated: it may hold a password.
			errs = append(errs, errors.New("NATS_URL has an address that is no URL: write it like nats://host:4222"))
		case u.User != nil:
			errs = append(errs, fmt.Errorf("NATS_URL names a user or token for %s: move it to NATS_USER and NATS_PASSWORD, or NATS_TOKEN", u.Host))
		case !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			errs = append(errs, fmt.Errorf("NATS_URL %q has the scheme %q: use nats, tls, ws or wss", address, u.Scheme))
		}
	}
	return errs
}

func (c Config) validateNames() []error {
	var errs []error
	for _, name := range [][2]string{{"NATS_STREAM", c.Stream}, {"NATS_CONSUMER", c.Consumer}} {
		switch {
		case name[1] == "":
			errs = append(errs, fmt.Errorf("%s is empty: name the %s", name[0], strings.ToLower(name[0][len("NATS_"):])))
		case strings.ContainsAny(name[1], " \t\r\n.*>/\\"):
			errs = append(errs, fmt.Errorf(`%s %q is no name: leave out spaces and . * > / \`, name[0], name[1]))
		}
	}
	if !validSubject(c.DLQSubject) || strings.ContainsAny(c.DLQSubject, "*>") {
		errs = append(errs, fmt.Errorf("NATS_DLQ_SUBJECT %q is no subject to publish to: use words joined by dots, without wildcards", c.DLQSubject))
	}
	return errs
}

func (c Config) validateConsumer() []error {
	var errs []error
	for _, subject := range c.Subjects {
		if !validSubject(subject) {
			errs = append(errs, fmt.Errorf("NATS_SUBJECTS has the entry %q, which is no subject: use words joined by dots", subject))
		}
	}
	if c.AckWait < minAckWait {
		errs = append(errs, fmt.Errorf("NATS_ACK_WAIT %v is too short: use at least %v", c.AckWait, minAckWait))
	}
	return errs
}

func (c Config) validateAuth() []error {
	var errs []error
	if ways := c.authWays(); len(ways) > 1 {
		errs = append(errs, fmt.Errorf("%s are set: keep one way to authenticate", strings.Join(ways, " and ")))
	}
	if c.User == "" && !c.Password.IsZero() {
		errs = append(errs, errors.New("NATS_PASSWORD is set without NATS_USER: set both or neither"))
	}
	if (c.Cert == "") != (c.Key == "") {
		errs = append(errs, fmt.Errorf("NATS_CERT %q and NATS_KEY %q belong together: set both or neither", c.Cert, c.Key))
	}
	return errs
}

// authWays names the settings that say who the worker is.
func (c Config) authWays() []string {
	var ways []string
	for name, set := range map[string]bool{
		"NATS_USER": c.User != "", "NATS_TOKEN": !c.Token.IsZero(), "NATS_CREDS": c.Creds != "", "NATS_NKEY": c.NKey != "",
	} {
		if set {
			ways = append(ways, name)
		}
	}
	slices.Sort(ways)
	return ways
}

// validSubject reports whether s has no empty word and no white space.
func validSubject(s string) bool {
	return !strings.ContainsAny(s, " \t\r\n") && !slices.Contains(strings.Split(s, "."), "")
}

// maxAckPending is shared by all workers on the durable: it must exceed the
// sum of their windows, and messages released with a delay count too.
const maxAckPending = 10_000

// durable is the consumer that the source promises to work well with. There
// is no MaxDeliver: beyond it the broker would skip a message in silence.
func (c Config) durable() jetstream.ConsumerConfig {
	d := jetstream.ConsumerConfig{
		Durable:       c.Consumer,
		Description:   "notifications for an XMPP room",
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       c.AckWait,
		MaxDeliver:    -1,
		MaxAckPending: maxAckPending,
	}
	if len(c.Subjects) == 1 { // known to servers before 2.10, too
		d.FilterSubject = c.Subjects[0]
	} else {
		d.FilterSubjects = c.Subjects
	}
	return d
}
