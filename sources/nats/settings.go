package nats

import (
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// Settings are what all NATS sources share.
type Settings struct {
	URLs        []string `envconfig:"NATS_URL" default:"nats://127.0.0.1:4222" desc:"Addresses of the servers, comma-separated, like nats:4222; schemes nats (the default), tls, ws, wss; tls and wss switch TLS on for all."`
	DLQSubject  string   `envconfig:"NATS_DLQ_SUBJECT" default:"dlq" desc:"Dead letters go to the subject <this>.<stream>.<subject> (core NATS: <this>.core.<subject>), which a stream of their own must capture."`
	InboxPrefix string   `envconfig:"NATS_INBOX_PREFIX" default:"_INBOX" desc:"The worker subscribes to subjects below this for the broker's answers; for users who may not subscribe to _INBOX.>."`
	Domain      string   `envconfig:"NATS_DOMAIN" desc:"JetStream domain of the streams; for leaf nodes, when it is not that of the server."`
	APIPrefix   string   `envconfig:"NATS_API_PREFIX" desc:"Subject prefix of the JetStream API instead of $JS.API; for streams imported from another account."`

	Auth
	TLS

	// Dial opens the connections. Nil: a net.Dialer.
	Dial sources.DialFunc
}

// Auth says who the worker is.
type Auth struct {
	User     string        `envconfig:"NATS_USER" desc:"User name."`
	Password config.Secret `envconfig:"NATS_PASSWORD" desc:"Password of the user."`
	Token    config.Secret `envconfig:"NATS_TOKEN" desc:"Token, instead of a user."`
	Creds    string        `envconfig:"NATS_CREDS" desc:"Credentials file (JWT and seed), instead of a user; read again at every connect."`
	NKey     string        `envconfig:"NATS_NKEY" desc:"File with the seed of an NKey, instead of a user."`
	Insecure bool          `envconfig:"NATS_INSECURE" default:"false" desc:"Allow a password or token to be sent to another host without TLS."`
}

// TLS says how the connection is encrypted.
type TLS struct {
	CA       string `envconfig:"NATS_CA" desc:"PEM file of the certificate authorities to trust instead of the system's; switches TLS on."`
	Cert     string `envconfig:"NATS_CERT" desc:"PEM file of the client certificate; switches TLS on; read again at every connect."`
	Key      string `envconfig:"NATS_KEY" desc:"PEM file of the client certificate's key."`
	TLSFirst bool   `envconfig:"NATS_TLS_FIRST" default:"false" desc:"Begin with the TLS handshake, for servers with handshake_first; switches TLS on."`
}

// Validate reports what is wrong with the settings, each with its fix.
func (s Settings) Validate() []error {
	errs := slices.Concat(s.validateServers(), s.validateAuth(), s.validateJetStream())
	for setting, value := range map[string]string{"NATS_DLQ_SUBJECT": s.DLQSubject, "NATS_INBOX_PREFIX": s.InboxPrefix} {
		errs.Add(!subject.Literal(value), "use words joined by dots, without wildcards", "%s %q is no subject to publish to", setting, value)
	}
	return errs
}

func (s Settings) validateAuth() (errs check.Faults) {
	ways := s.ways()
	errs.Add(len(ways) > 1, "keep one way to authenticate", "%s are set", strings.Join(ways, " and "))
	errs.Add(s.User == "" && !s.Password.IsZero(), "set both or neither", "NATS_PASSWORD is set without NATS_USER")
	errs.Add((s.Cert == "") != (s.Key == ""), "set both or neither", "NATS_CERT %q and NATS_KEY %q belong together", s.Cert, s.Key)
	return errs
}

// ways names the settings that say who the worker is.
func (a Auth) ways() []string {
	var ways []string
	for name, set := range map[string]bool{
		"NATS_USER": a.User != "", "NATS_TOKEN": !a.Token.IsZero(), "NATS_CREDS": a.Creds != "", "NATS_NKEY": a.NKey != "",
	} {
		if set {
			ways = append(ways, name)
		}
	}
	slices.Sort(ways)
	return ways
}

func (s Settings) validateJetStream() (errs check.Faults) {
	errs.Add(s.Domain != "" && s.APIPrefix != "", "keep one of them", "NATS_DOMAIN and NATS_API_PREFIX are both set")
	errs.Add(s.Domain != "" && (!subject.Literal(s.Domain) || strings.Contains(s.Domain, ".")), "use the name in the server's jetstream block", "NATS_DOMAIN %q is no domain", s.Domain)
	errs.Add(s.APIPrefix != "" && !subject.Literal(s.APIPrefix), "use words joined by dots, like $JS.hub.API", "NATS_API_PREFIX %q is no subject prefix", s.APIPrefix)
	return errs
}

// API is where the JetStream API's subjects begin, with the last dot.
func (s Settings) API() string {
	switch {
	case s.APIPrefix != "":
		return s.APIPrefix + "."
	case s.Domain != "":
		return "$JS." + s.Domain + ".API."
	}
	return "$JS.API."
}
