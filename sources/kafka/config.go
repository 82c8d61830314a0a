package kafka

import (
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// Config holds the settings of the Kafka source.
type Config = client.Config
