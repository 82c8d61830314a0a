package kafka_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
)

// Init says what is missing, and with create makes a place for dead letters.
func TestInit(t *testing.T) {
	t.Parallel()
	checkInit(t, newCluster(t))
}

// checkInit begins without any topic.
func checkInit(t *testing.T, c *cluster) {
	t.Helper()
	report := c.init(t, sources.Bind)
	for i, words := range []string{"topic " + c.topic + " does not exist", "topic " + c.topic + ".dlq for dead letters"} {
		if len(report.Flaws) != 2 || !strings.Contains(report.Flaws[i].String(), words) || !strings.Contains(report.Flaws[i].String(), "create it") {
			t.Errorf("flaws %q lack %q with its cure", report.Flaws, words)
		}
	}
	if err := c.createTopic(t.Context(), c.topic); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the brokers know the topic", func() bool { return len(c.init(t, sources.Bind).Flaws) == 1 })
	done := strings.Join(c.init(t, sources.Create).Done, "\n")
	if want := "found topic " + c.topic + " with 3 partitions\ncreated topic " + c.topic + ".dlq for dead letters"; done != want {
		t.Errorf("done %q, want %q", done, want)
	}
	eventually(t, "the brokers know the topic for dead letters", func() bool {
		return strings.Contains(strings.Join(c.init(t, sources.Bind).Done, "\n"), "found topic "+c.topic+".dlq for dead letters")
	})
	c.publish(t, 0, 1)
	if err := receive(t, c.open(t), 1)[0].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err != nil {
		t.Errorf("the topic for dead letters does not do: %v", err)
	}
}

func (c *cluster) init(t *testing.T, mode sources.Mode) sources.Report {
	t.Helper()
	report, err := kafka.Init(t.Context(), c.config, mode)
	if err != nil {
		t.Fatal(err)
	}
	return report
}
