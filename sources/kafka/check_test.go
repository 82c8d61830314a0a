package kafka_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/admin"
)

// Init says what is missing, and with create makes a place for dead letters.
func TestInit(t *testing.T) {
	t.Parallel()
	checkInit(t, newCluster(t))
}

// checkInit begins without any topic.
func checkInit(t *testing.T, c *cluster) {
	t.Helper()
	wrong := c.init(t, sources.Bind).Of(check.Fail)
	for i, words := range []string{"topic " + c.topic + " does not exist", "topic " + c.topic + ".dlq for dead letters"} {
		if len(wrong) != 2 || !strings.Contains(wrong[i], words) || !strings.Contains(wrong[i], "create it") {
			t.Errorf("failures %q lack %q with its fix", wrong, words)
		}
	}
	if err := c.createTopic(t.Context(), c.topic); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the brokers know the topic", func() bool { return len(c.init(t, sources.Bind).Of(check.Fail)) == 1 })
	done := strings.Join(c.init(t, sources.Create).Of(check.OK), "\n")
	for _, want := range []string{"found topic " + c.topic + " with 3 partitions", "created topic " + c.topic + ".dlq for dead letters", "may use the group"} {
		if !strings.Contains(done, want) {
			t.Errorf("done %q, lacks %q", done, want)
		}
	}
	eventually(t, "the brokers know the topic for dead letters", func() bool {
		return strings.Contains(strings.Join(c.init(t, sources.Look).Of(check.OK), "\n"), "found topic "+c.topic+".dlq for dead letters")
	})
	c.publish(t, 0, 1)
	if err := receive(t, c.open(t), 1)[0].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err != nil {
		t.Errorf("the topic for dead letters does not do: %v", err)
	}
	response, err := c.admin.ListOffsets(t.Context(), &kafkago.ListOffsetsRequest{
		Topics: map[string][]kafkago.OffsetRequest{c.topic + ".dlq": {kafkago.LastOffsetOf(0)}},
	})
	if err != nil || response.Topics[c.topic+".dlq"][0].LastOffset != 1 {
		t.Errorf("there should be 1 dead letter, because to look leaves nothing behind: %+v, %v", response, err)
	}
}

func (c *cluster) init(t *testing.T, mode sources.Mode) check.Report {
	t.Helper()
	return admin.Init(t.Context(), c.config, mode)
}

// A cluster that has yet to name the group's coordinator is asked again.
func TestInitAwaitsCoordinator(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	var asked atomic.Int32
	c.ControlKey(int16(kmsg.JoinGroup), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if asked.Add(1) > 2 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.JoinGroupResponse)
		response.ErrorCode = int16(kafkago.NotCoordinatorForGroup)
		return response, nil, true
	})
	done := strings.Join(c.init(t, sources.Look).Of(check.OK), "\n")
	if !strings.Contains(done, "may use the group") || asked.Load() != 3 {
		t.Errorf("asked %d times, done %q", asked.Load(), done)
	}
}

// A session timeout that the brokers do not take is found before the worker runs.
func TestInitChecksSessionTimeout(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.GroupMinSessionTimeout(6*time.Second))
	if err := c.createTopic(t.Context(), c.topic); err != nil {
		t.Fatal(err)
	}
	wrong := c.init(t, sources.Create).Of(check.Fail)
	if len(wrong) != 1 || !strings.Contains(wrong[0], "KAFKA_SESSION_TIMEOUT=1.5s is outside") {
		t.Errorf("failures %q", wrong)
	}
}
