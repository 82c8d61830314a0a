package client

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Config holds the settings of the Kafka source.
type Config struct {
	Brokers        []string      `envconfig:"KAFKA_BROKERS" required:"true" desc:"Addresses of some brokers of the cluster, host:port, comma-separated."`
	Topics         []string      `envconfig:"KAFKA_TOPICS" required:"true" desc:"Topics to read, comma-separated; all of them must exist, xmpp-notifier init --create makes them."`
	GroupID        string        `envconfig:"KAFKA_GROUP_ID" default:"xmpp-notifier" desc:"Consumer group; workers with the same group share the partitions."`
	DLQSuffix      string        `envconfig:"KAFKA_DLQ_SUFFIX" default:".dlq" desc:"Dead letters of a topic go to the topic of that name plus this suffix; it must exist, xmpp-notifier init --create makes it."`
	Start          string        `envconfig:"KAFKA_START" default:"earliest" desc:"Where to begin in a partition in which the group has not committed an offset: earliest or latest."`
	SessionTimeout time.Duration `envconfig:"KAFKA_SESSION_TIMEOUT" default:"15s" desc:"Session timeout of the group: the partitions of a dead worker go to others after it; 1s to 30m, within the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms."`

	TLS  bool   `envconfig:"KAFKA_TLS" default:"false" desc:"Connect with TLS; the brokers' certificates are verified."`
	CA   string `envconfig:"KAFKA_CA" desc:"PEM file of the certificate authorities to trust instead of the system's."`
	Cert string `envconfig:"KAFKA_CERT" desc:"PEM file of the client certificate."`
	Key  string `envconfig:"KAFKA_KEY" desc:"PEM file of the client certificate's key."`

	SASL     string        `envconfig:"KAFKA_SASL" default:"none" desc:"Authentication: none, plain, scram-sha-256, scram-sha-512 or oauthbearer."`
	User     string        `envconfig:"KAFKA_USER" desc:"User name for SASL."`
	Password config.Secret `envconfig:"KAFKA_PASSWORD" desc:"Password for SASL."`
	Insecure bool          `envconfig:"KAFKA_INSECURE" default:"false" desc:"Allow a password or token to be sent to another host without TLS."`

	OAuth

	// MaxBatch is how many bytes a batch of messages may take, with what decompressing
	// it takes; 0: 32 MiB. The program sets it.
	MaxBatch int
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
	saslOAuth = "oauthbearer"
)

// topicName is what Kafka allows; longer names than maxTopicName it refuses.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]+$`)

const maxTopicName = 249

// Validate reports what is wrong with the settings, each with its fix.
func (c Config) Validate() []error {
	var wrong check.Faults
	c.validateTopics(&wrong)
	wrong.Add(c.GroupID == "", "name the consumer group", "KAFKA_GROUP_ID is empty")
	wrong.Add(c.Start != StartEarliest && c.Start != StartLatest, "use earliest or latest", "KAFKA_START: %q is unknown", c.Start)
	wrong.Add(c.SessionTimeout < time.Second || c.SessionTimeout > 30*time.Minute, "use 1s to 30m", "KAFKA_SESSION_TIMEOUT: %s is out of range", c.SessionTimeout)
	wrong.Add(!c.TLS && c.CA+c.Cert+c.Key != "", "set KAFKA_TLS=true or remove them", "KAFKA_CA, KAFKA_CERT or KAFKA_KEY is set, but KAFKA_TLS is false")
	wrong.Add((c.Cert == "") != (c.Key == ""), "a client certificate needs both", "only one of KAFKA_CERT and KAFKA_KEY is set")
	c.validateSASL(&wrong)
	return append(c.validateBrokers(), wrong...)
}

func (c Config) validateBrokers() []error {
	if len(c.Brokers) == 0 {
		return []error{check.Faultf("name at least one broker as host:port", "KAFKA_BROKERS is empty")}
	}
	var errs []error
	for _, broker := range c.Brokers {
		if err := config.CheckAddress(broker, 9092); err != nil {
			errs = append(errs, fmt.Errorf("KAFKA_BROKERS: %q %w", broker, err))
		}
	}
	return errs
}

func (c Config) validateTopics(wrong *check.Faults) {
	wrong.Add(len(c.Topics) == 0, "name at least one topic", "KAFKA_TOPICS is empty")
	if c.DLQSuffix == "" {
		wrong.Add(true, "dead letters would return to their own topic; use a suffix like .dlq", "KAFKA_DLQ_SUFFIX is empty")
		return
	}
	for i, topic := range c.Topics {
		deadLetters := c.DeadLetterTopic(topic)
		named := topicName.MatchString(topic) && topic != "." && topic != ".."
		wrong.Add(!named, "use letters, digits, '.', '_' and '-'", "KAFKA_TOPICS: %q is not a topic name", topic)
		wrong.Add(slices.Contains(c.Topics[:i], topic), "name it once", "KAFKA_TOPICS names %q twice", topic)
		wrong.Add(named && (!topicName.MatchString(deadLetters) || len(deadLetters) > maxTopicName), fmt.Sprintf("use letters, digits, '.', '_' and '-', %d in all", maxTopicName), "KAFKA_DLQ_SUFFIX: %q makes %q, which is not a topic name", c.DLQSuffix, deadLetters)
		wrong.Add(slices.Contains(c.Topics, deadLetters), "they would go round for ever; remove it or change KAFKA_DLQ_SUFFIX", "KAFKA_TOPICS names %q, which takes the dead letters of %q", deadLetters, topic)
	}
}

func (c Config) validateSASL(wrong *check.Faults) {
	wrong.Add(c.SASL != saslOAuth && c.TokenFile+c.TokenURL != "", "set KAFKA_SASL=oauthbearer or remove them", "KAFKA_TOKEN_FILE or KAFKA_TOKEN_URL is set, but KAFKA_SASL is %s", c.SASL)
	switch c.SASL {
	case saslNone, saslOAuth:
		wrong.Add(c.User != "" || !c.Password.IsZero(), "set another KAFKA_SASL or remove them", "KAFKA_USER or KAFKA_PASSWORD is set, but KAFKA_SASL is %s", c.SASL)
	case saslPlain, sasl256, sasl512:
		wrong.Add(c.User == "" || c.Password.IsZero(), "set both", "KAFKA_SASL is %s, but KAFKA_USER or KAFKA_PASSWORD is empty", c.SASL)
	default:
		wrong.Add(true, "use none, plain, scram-sha-256, scram-sha-512 or oauthbearer", "KAFKA_SASL %q is unknown", c.SASL)
	}
	if c.SASL == saslOAuth {
		c.validateToken(wrong)
	}
	c.validateClear(wrong)
}

// validateClear refuses to show a password or a token to the network.
func (c Config) validateClear(wrong *check.Faults) {
	if c.TLS || c.Insecure || c.SASL != saslPlain && c.SASL != saslOAuth {
		return
	}
	for _, broker := range c.Brokers {
		host, _, err := net.SplitHostPort(broker)
		wrong.Add(err == nil && !config.IsLoopback(host), "set KAFKA_TLS=true, use scram-sha-512, or set KAFKA_INSECURE=true if the network is trusted", "KAFKA_SASL is %s without TLS: the password or token would be sent in clear to %s", c.SASL, broker)
	}
}

// DeadLetterTopic takes the dead letters of topic.
func (c Config) DeadLetterTopic(topic string) string { return topic + c.DLQSuffix }

// BrokerList is the brokers as an operator wrote them.
func (c Config) BrokerList() string { return strings.Join(c.Brokers, ",") }
