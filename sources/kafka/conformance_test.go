package kafka_test

import (
	"flag"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// TestMain lets tests overlap that mostly wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	m.Run()
}

func TestConformance(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Broker {
		c := withTopic(t)
		c.config.SessionTimeout = short
		return c
	})
}
