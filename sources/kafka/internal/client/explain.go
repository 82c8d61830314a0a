package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Explain adds to a broker's refusal the setting that it is about.
func (c *Client) Explain(err error) error {
	if _, explained := errors.AsType[*check.Fault](err); explained {
		return err
	}
	fix := c.advertised(err)
	if fix == "" {
		fix = c.Fix(err)
	}
	if fix == "" {
		fix = sources.Endpoint{Address: "KAFKA_BROKERS", CA: "KAFKA_CA", Cert: "KAFKA_CERT and KAFKA_KEY"}.Fix(err)
	}
	if fix == "" {
		return err
	}
	what := ""
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		what = "the broker closed the connection"
	}
	return &check.Fault{What: what, Err: err, Fix: fix}
}

// Fix tells what to do about what a broker says.
func (c *Client) Fix(err error) string {
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed) && c.Config.SASL == saslOAuth:
		return "the brokers do not take the token of KAFKA_TOKEN_FILE or KAFKA_TOKEN_URL: renew it, or let the brokers accept who issued it"
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Sprintf("correct KAFKA_USER=%s or KAFKA_PASSWORD", c.Config.User)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Sprintf("KAFKA_SASL=%s is not enabled on the brokers: choose one that is", c.Config.SASL)
	case errors.Is(err, kafka.InvalidSessionTimeout):
		return fmt.Sprintf("KAFKA_SESSION_TIMEOUT=%s is outside the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms", c.Config.SessionTimeout)
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		return fmt.Sprintf("KAFKA_GROUP_ID=%s is used by another kind of consumer: choose another name", c.Config.GroupID)
	case errors.Is(err, kafka.GroupCoordinatorNotAvailable):
		return "if that persists, the brokers cannot make their topic __consumer_offsets: let offsets.topic.replication.factor be no more than there are brokers"
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return fmt.Sprintf("allow KAFKA_USER=%s to read the group KAFKA_GROUP_ID=%s", c.Config.User, c.Config.GroupID)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Sprintf("no answer: check that KAFKA_BROKERS=%s are brokers of Kafka, and KAFKA_TLS=%t", c.Config.BrokerList(), c.Config.TLS)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Sprintf("if that persists, check KAFKA_TLS=%t, KAFKA_SASL=%s, KAFKA_USER=%s and KAFKA_PASSWORD", c.Config.TLS, c.Config.SASL, c.Config.User)
	}
	if _, clear := errors.AsType[tls.RecordHeaderError](err); clear {
		return "there is no TLS: set KAFKA_TLS=false, or correct the port in KAFKA_BROKERS"
	}
	if _, other := errors.AsType[x509.HostnameError](err); other {
		return "use a host in KAFKA_BROKERS, and in the brokers' advertised.listeners, that their certificates name"
	}
	return ""
}

// advertised tells what to do if a broker cannot be reached where it says that it
// is, although others, or it itself, answer at KAFKA_BROKERS.
func (c *Client) advertised(err error) string {
	dial, ok := errors.AsType[*dialError](err)
	if !ok || slices.Contains(c.Config.Brokers, dial.address) {
		return ""
	}
	return fmt.Sprintf("a broker in KAFKA_BROKERS=%s says that clients are to use %s, which cannot be reached from here: correct the broker's advertised.listeners, or the way to that address", c.Config.BrokerList(), dial.address)
}

// Unreachable says that no broker tells of the topics.
func (c *Client) Unreachable(err error) error {
	what := "ask brokers " + c.Config.BrokerList() + " for topics"
	if f, ok := errors.AsType[*check.Fault](c.Explain(err)); ok {
		return &check.Fault{What: what, Err: err, Fix: f.Fix}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// ExplainTopic says why a topic of notifications cannot be read.
func (c *Client) ExplainTopic(name string, err error) error {
	fault := func(fix, format string, args ...any) error {
		return &check.Fault{What: fmt.Sprintf(format, args...), Err: err, Fix: fix}
	}
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return fault("run xmpp-notifier init --create, or correct KAFKA_TOPICS", "topic %s does not exist on brokers %s", name, c.Config.BrokerList())
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fault(fmt.Sprintf("allow KAFKA_USER=%s to read it", c.Config.User), "no permission to read topic %s", name)
	}
	if f, ok := errors.AsType[*check.Fault](c.Explain(err)); ok {
		return &check.Fault{What: fmt.Sprintf("topic %s cannot be read", name), Err: err, Fix: f.Fix}
	}
	return fmt.Errorf("topic %s is not ready: %w", name, err)
}

// ExplainDeadLetters names the topic for dead letters and the fix.
func (c *Client) ExplainDeadLetters(topic string, err error) error {
	fault := func(fix, format string, args ...any) error {
		return &check.Fault{What: fmt.Sprintf(format, args...), Err: err, Fix: fix}
	}
	switch {
	case errors.Is(err, kafka.UnknownTopicOrPartition):
		return fault("run xmpp-notifier init --create, or correct KAFKA_DLQ_SUFFIX="+c.Config.DLQSuffix,
			"topic %s for dead letters does not exist, so a notification that cannot be delivered blocks its partition", topic)
	case errors.Is(err, kafka.TopicAuthorizationFailed):
		return fault(fmt.Sprintf("allow KAFKA_USER=%s to write it", c.Config.User), "no permission to write topic %s for dead letters", topic)
	case errors.Is(err, kafka.MessageSizeTooLarge):
		return fault("raise its max.message.bytes", "topic %s does not take it", topic)
	case errors.Is(err, kafka.InvalidRecord):
		return fault("set its cleanup.policy to delete", "topic %s does not take it", topic)
	}
	return fmt.Errorf("topic %s: %w", topic, err)
}
