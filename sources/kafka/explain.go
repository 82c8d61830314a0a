package kafka

import (
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go"
)

// explain adds to a broker's refusal the setting that it is about.
func (c *client) explain(err error) error {
	switch {
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		return fmt.Errorf("%w: correct KAFKA_USER=%s or KAFKA_PASSWORD", err, c.config.User)
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		return fmt.Errorf("%w: KAFKA_SASL=%s is not enabled on the brokers", err, c.config.SASL)
	case errors.Is(err, kafka.InvalidSessionTimeout):
		return fmt.Errorf("%w: KAFKA_SESSION_TIMEOUT=%s is outside the brokers' group.min.session.timeout.ms and group.max.session.timeout.ms", err, c.config.SessionTimeout)
	case errors.Is(err, kafka.InconsistentGroupProtocol):
		return fmt.Errorf("%w: KAFKA_GROUP_ID=%s is used by another kind of consumer: choose another name", err, c.config.GroupID)
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		return fmt.Errorf("%w: allow KAFKA_USER=%s to read the group KAFKA_GROUP_ID=%s", err, c.config.User, c.config.GroupID)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fmt.Errorf("the broker closed the connection (%w): if that persists, check KAFKA_TLS=%t, KAFKA_SASL=%s, KAFKA_USER=%s and KAFKA_PASSWORD", err, c.config.TLS, c.config.SASL, c.config.User)
	}
	return err
}

func (c *client) explainTopic(topic kafka.Topic) error {
	switch {
	case errors.Is(topic.Error, kafka.UnknownTopicOrPartition):
		return fmt.Errorf("topic %s does not exist on brokers %s: create it or correct KAFKA_TOPICS (%w)", topic.Name, c.config.brokerList(), topic.Error)
	case errors.Is(topic.Error, kafka.TopicAuthorizationFailed):
		return fmt.Errorf("topic %s is not ours to read: allow KAFKA_USER=%s to read it (%w)", topic.Name, c.config.User, topic.Error)
	}
	return fmt.Errorf("topic %s is not ready: %w", topic.Name, topic.Error)
}
