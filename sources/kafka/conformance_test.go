package kafka_test

import (
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Broker { return withTopic(t) })
}
