package ingest

import (
	"fmt"
	"regexp"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

// Config is how webhooks come in, and where they go.
type Config struct {
	To          string        `envconfig:"INGEST_TO" desc:"Broker to put webhooks into: nats (JetStream) or kafka. Default: the one in SOURCES."`
	Subject     string        `envconfig:"INGEST_SUBJECT" default:"notify.ingest" desc:"NATS: webhooks go to the subject <this>.<last part of the path>, like notify.ingest.alertmanager, which the worker's stream must capture."`
	Topic       string        `envconfig:"INGEST_TOPIC" desc:"Kafka: topic for webhooks. Default: the first one in KAFKA_TOPICS."`
	Addr        string        `envconfig:"INGEST_ADDR" default:":8080" desc:"Where to listen for webhooks, host:port or :port."`
	Token       config.Secret `envconfig:"INGEST_TOKEN" required:"true" desc:"Token that webhooks must carry, at least 16 characters: as Authorization: Bearer TOKEN, as the password of HTTP basic authentication, or at the end of the path, /v1/slack/TOKEN."`
	Cert        string        `envconfig:"INGEST_TLS_CERT" desc:"PEM file of the server's certificate chain; switches TLS on. It is read again for new connections when it changes."`
	Key         string        `envconfig:"INGEST_TLS_KEY" desc:"PEM file of the certificate's key."`
	MaxBody     int64         `envconfig:"INGEST_MAX_BODY_BYTES" default:"1048576" desc:"Longest webhook in bytes, 1024 to 16777216. A longer one is answered with 413."`
	MaxPending  int64         `envconfig:"INGEST_MAX_PENDING_BYTES" default:"16777216" desc:"Maximum bytes of webhooks in progress, at least INGEST_MAX_BODY_BYTES. Further ones are answered with 503."`
	StoreWithin time.Duration `envconfig:"INGEST_TIMEOUT" default:"10s" desc:"How long the broker may take to store a webhook; then it is answered with 503."`
}

const (
	minToken = 16
	minBody  = 1 << 10
	maxBody  = 16 << 20
)

// Validate returns everything that is wrong with c.
func (c Config) Validate() []error {
	var faults check.Faults
	if err := config.CheckListen(c.Addr); err != nil {
		faults = append(faults, fmt.Errorf("INGEST_ADDR=%q %w", c.Addr, err))
	}
	isSubject := regexp.MustCompile(`^[^.*> \t]+(\.[^.*> \t]+)*$`).MatchString(c.Subject)
	faults.Add(!isSubject, "use words joined by dots, without wildcards", "INGEST_SUBJECT=%q: is no subject to publish to", c.Subject)
	isShort := !c.Token.IsZero() && len(c.Token.Reveal()) < minToken
	faults.Add(isShort, "make one with openssl rand -hex 16", "INGEST_TOKEN: is shorter than %d characters", minToken)
	faults.Add((c.Cert == "") != (c.Key == ""), "set both or neither", "INGEST_TLS_CERT=%q and INGEST_TLS_KEY=%q belong together", c.Cert, c.Key)
	faults.Add(c.MaxBody < minBody || c.MaxBody > maxBody, fmt.Sprintf("use %d to %d", minBody, maxBody), "INGEST_MAX_BODY_BYTES=%d", c.MaxBody)
	faults.Add(c.MaxPending < c.MaxBody, fmt.Sprintf("use at least INGEST_MAX_BODY_BYTES, %d", c.MaxBody), "INGEST_MAX_PENDING_BYTES=%d", c.MaxPending)
	faults.Add(c.StoreWithin < time.Millisecond, "use 1ms or longer, like 10s", "INGEST_TIMEOUT=%s", c.StoreWithin)
	return faults
}
