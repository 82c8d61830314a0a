package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// Every wrong setting is named with its value or its fix.
func TestValidate(t *testing.T) {
	secret := config.NewSecret("hunter2")
	remote := []string{"kafka.example:9092"}
	tests := []struct {
		name string
		edit func(*client.Config)
		want []string // empty: it is right
	}{
		{"right", func(*client.Config) {}, nil},
		{"no brokers", func(c *client.Config) { c.Brokers = nil }, []string{"KAFKA_BROKERS", "host:port"}},
		{"broker without port", func(c *client.Config) { c.Brokers = []string{"kafka"} }, []string{"KAFKA_BROKERS", `"kafka"`, "kafka:9092"}},
		{"no topics", func(c *client.Config) { c.Topics = nil }, []string{"KAFKA_TOPICS"}},
		{"topic name", func(c *client.Config) { c.Topics = []string{"a b"} }, []string{"KAFKA_TOPICS", `"a b"`}},
		{"topic twice", func(c *client.Config) { c.Topics = []string{"a", "a"} }, []string{"KAFKA_TOPICS", "twice"}},
		{"dead letters in a circle", func(c *client.Config) { c.Topics = []string{"a", "a.dlq"} }, []string{`"a.dlq"`, "KAFKA_DLQ_SUFFIX"}},
		{"no suffix", func(c *client.Config) { c.DLQSuffix = "" }, []string{"KAFKA_DLQ_SUFFIX"}},
		{"suffix", func(c *client.Config) { c.DLQSuffix = "/x" }, []string{"KAFKA_DLQ_SUFFIX", `"/x"`}},
		{"no group", func(c *client.Config) { c.GroupID = "" }, []string{"KAFKA_GROUP_ID"}},
		{"start", func(c *client.Config) { c.Start = "now" }, []string{"KAFKA_START", `"now"`, "latest"}},
		{"session", func(c *client.Config) { c.SessionTimeout = time.Millisecond }, []string{"KAFKA_SESSION_TIMEOUT", "1ms", "1s"}},
		{"files without TLS", func(c *client.Config) { c.CA = "x" }, []string{"KAFKA_CA", "KAFKA_TLS=true"}},
		{"certificate without key", func(c *client.Config) { c.TLS, c.Cert = true, "x" }, []string{"KAFKA_CERT", "KAFKA_KEY"}},
		{"no such file", func(c *client.Config) { c.TLS, c.CA = true, "/none" }, []string{"KAFKA_CA", "/none"}},
		{"mechanism", func(c *client.Config) { c.SASL = "magic" }, []string{"KAFKA_SASL", `"magic"`}},
		{"user without mechanism", func(c *client.Config) { c.User = "u" }, []string{"KAFKA_USER", "KAFKA_SASL"}},
		{"mechanism without user", func(c *client.Config) { c.SASL = "scram-sha-256" }, []string{"KAFKA_USER", "KAFKA_PASSWORD"}},
		{"plain without TLS", func(c *client.Config) { c.Brokers, c.SASL, c.User, c.Password = remote, "plain", "u", secret }, []string{"KAFKA_SASL", "KAFKA_TLS=true", "kafka.example:9092", "KAFKA_INSECURE=true"}},
		{"plain without TLS, as one wants it", func(c *client.Config) {
			c.Brokers, c.SASL, c.User, c.Password, c.Insecure = remote, "plain", "u", secret, true
		}, nil},
		{"plain without TLS to this host", func(c *client.Config) { c.SASL, c.User, c.Password = "plain", "u", secret }, nil},
		{"token without TLS", func(c *client.Config) { c.Brokers, c.SASL, c.TokenFile = remote, "oauthbearer", "x" }, []string{"KAFKA_SASL", "KAFKA_TLS=true"}},
		{"no token", func(c *client.Config) { c.SASL = "oauthbearer" }, []string{"KAFKA_TOKEN_FILE", "KAFKA_TOKEN_URL"}},
		{"two tokens", func(c *client.Config) { c.SASL, c.TokenFile, c.TokenURL = "oauthbearer", "x", "https://x" }, []string{"use one of them"}},
		{"token endpoint in clear", func(c *client.Config) { c.SASL, c.TokenURL = "oauthbearer", "http://id.example/token" }, []string{"KAFKA_TOKEN_URL", "https://"}},
		{"token endpoint without secret", func(c *client.Config) { c.SASL, c.TokenURL = "oauthbearer", "https://id.example/token" }, []string{"KAFKA_CLIENT_SECRET"}},
		{"token without mechanism", func(c *client.Config) { c.TokenFile = "x" }, []string{"KAFKA_SASL=oauthbearer"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			cfg := client.Config{
				Brokers: []string{"127.0.0.1:1"}, Topics: []string{"alerts"}, GroupID: "g", DLQSuffix: ".dlq",
				Start: "earliest", SessionTimeout: time.Minute, SASL: "none",
			}
			test.edit(&cfg)
			_, err := client.New(cfg)
			if (err == nil) != (test.want == nil) {
				t.Fatalf("error %v", err)
			}
			for _, word := range test.want {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("error %q does not say %q", err, word)
				}
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Error("the error shows the password")
			}
		})
	}
}
