package client

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Config holds the settings of the Kafka source.
type Config struct {
	Brokers        []string      `envconfig:"KAFKA_BROKERS" required:"true" desc:"addresses of some brokers of the cluster, host:port, comma-separated"`
	Topics         []string      `envconfig:"KAFKA_TOPICS" required:"true" desc:"topics to read, comma-separated; all of them must exist"`
	GroupID        string        `envconfig:"KAFKA_GROUP_ID" default:"xmpp-notifier" desc:"consumer group; workers with the same group share the partitions"`
	DLQSuffix      string        `envconfig:"KAFKA_DLQ_SUFFIX" default:".dlq" desc:"dead letters of a topic go to the topic of that name plus this suffix; it must exist"`
	Start          string        `envconfig:"KAFKA_START" default:"earliest" desc:"where to begin in a partition in which the group has not committed an offset: earliest or latest"`
	SessionTimeout time.Duration `envconfig:"KAFKA_SESSION_TIMEOUT" default:"15s" desc:"a worker that died is replaced after this time; 1s to 30m, within the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms"`

	TLS  bool   `envconfig:"KAFKA_TLS" default:"false" desc:"connect with TLS; the brokers' certificates are verified"`
	CA   string `envconfig:"KAFKA_CA" desc:"PEM file of the certificate authorities to trust instead of the system's"`
	Cert string `envconfig:"KAFKA_CERT" desc:"PEM file of the client certificate"`
	Key  string `envconfig:"KAFKA_KEY" desc:"PEM file of the client certificate's key"`

	SASL     string        `envconfig:"KAFKA_SASL" default:"none" desc:"authentication: none, plain (needs TLS), scram-sha-256 or scram-sha-512"`
	User     string        `envconfig:"KAFKA_USER" desc:"user name for SASL"`
	Password config.Secret `envconfig:"KAFKA_PASSWORD" desc:"password for SASL"`

	// Dial opens the connections. Nil: a net.Dialer.
	Dial sources.DialFunc
}

// The values of KAFKA_START.
const (
	StartEarliest = "earliest"
	StartLatest   = "latest"
)

// The values of KAFKA_SASL.
const (
	saslNone  = "none"
	saslPlain = "plain"
	sasl256   = "scram-sha-256"
	sasl512   = "scram-sha-512"
)

// topicName is what Kafka allows; longer names than maxTopicName it refuses.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

const maxTopicName = 249

// Validate reports what is wrong with the settings, each with its fix.
func (c Config) Validate() []error {
	return slices.Concat(c.validateBrokers(), c.validateTopics(), c.validateGroup(), c.validateTLS(), c.validateSASL())
}

func (c Config) validateBrokers() []error {
	if len(c.Brokers) == 0 {
		return []error{errors.New("KAFKA_BROKERS is empty: name at least one broker as host:port")}
	}
	var errs []error
	for _, broker := range c.Brokers {
		if err := config.CheckAddress(broker, 9092); err != nil {
			errs = append(errs, fmt.Errorf("KAFKA_BROKERS: %q %w", broker, err))
		}
	}
	return errs
}

func (c Config) validateTopics() []error {
	if len(c.Topics) == 0 {
		return []error{errors.New("KAFKA_TOPICS is empty: name at least one topic")}
	}
	if c.DLQSuffix == "" {
		return []error{errors.New("KAFKA_DLQ_SUFFIX is empty: dead letters would return to their own topic; use a suffix like .dlq")}
	}
	var errs []error
	for i, topic := range c.Topics {
		deadLetters := c.DeadLetterTopic(topic)
		switch {
		case !topicName.MatchString(topic) || topic == "." || topic == "..":
			errs = append(errs, fmt.Errorf("KAFKA_TOPICS: %q is not a topic name: use letters, digits, '.', '_' and '-'", topic))
		case slices.Contains(c.Topics[:i], topic):
			errs = append(errs, fmt.Errorf("KAFKA_TOPICS names %q twice: name it once", topic))
		case !topicName.MatchString(deadLetters) || len(deadLetters) > maxTopicName:
			errs = append(errs, fmt.Errorf("KAFKA_DLQ_SUFFIX: %q makes %q, which is not a topic name: use letters, digits, '.', '_' and '-', %d in all", c.DLQSuffix, deadLetters, maxTopicName))
		case slices.Contains(c.Topics, deadLetters):
			errs = append(errs, fmt.Errorf("KAFKA_TOPICS names %q, which takes the dead letters of %q: they would go round for ever; remove it or change KAFKA_DLQ_SUFFIX", deadLetters, topic))
		}
	}
	return errs
}

func (c Config) validateGroup() []error {
	var errs []error
	if c.GroupID == "" {
		errs = append(errs, errors.New("KAFKA_GROUP_ID is empty: name the consumer group"))
	}
	if c.Start != StartEarliest && c.Start != StartLatest {
		errs = append(errs, fmt.Errorf("KAFKA_START: %q is unknown: use earliest or latest", c.Start))
	}
	if c.SessionTimeout < time.Second || c.SessionTimeout > 30*time.Minute {
		errs = append(errs, fmt.Errorf("KAFKA_SESSION_TIMEOUT: %s is out of range: use 1s to 30m", c.SessionTimeout))
	}
	return errs
}

func (c Config) validateTLS() []error {
	var errs []error
	if !c.TLS && (c.CA != "" || c.Cert != "" || c.Key != "") {
		errs = append(errs, errors.New("KAFKA_CA, KAFKA_CERT or KAFKA_KEY is set, but KAFKA_TLS is false: set KAFKA_TLS=true or remove them"))
	}
	if (c.Cert == "") != (c.Key == "") {
		errs = append(errs, errors.New("only one of KAFKA_CERT and KAFKA_KEY is set: a client certificate needs both"))
	}
	return errs
}

func (c Config) validateSASL() []error {
	var errs []error
	switch c.SASL {
	case saslNone:
		if c.User != "" || !c.Password.IsZero() {
			errs = append(errs, errors.New("KAFKA_USER or KAFKA_PASSWORD is set, but KAFKA_SASL is none: set KAFKA_SASL or remove them"))
		}
		return errs
	case saslPlain, sasl256, sasl512:
	default:
		return []error{fmt.Errorf("KAFKA_SASL: %q is unknown: use none, plain, scram-sha-256 or scram-sha-512", c.SASL)}
	}
	if c.SASL == saslPlain && !c.TLS {
		errs = append(errs, errors.New("KAFKA_SASL is plain without TLS, which shows the password to the network: set KAFKA_TLS=true or use scram-sha-512"))
	}
	if c.User == "" || c.Password.IsZero() {
		errs = append(errs, fmt.Errorf("KAFKA_SASL is %s, but KAFKA_USER or KAFKA_PASSWORD is empty: set both", c.SASL))
	}
	return errs
}

// DeadLetterTopic takes the dead letters of topic.
func (c Config) DeadLetterTopic(topic string) string { return topic + c.DLQSuffix }

// BrokerList is the brokers as an operator wrote them.
func (c Config) BrokerList() string { return strings.Join(c.Brokers, ",") }
