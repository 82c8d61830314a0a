package kafka_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/admin"
)

// Init says what is missing, and with create makes it, so that nothing is left to
// say, and a worker can run.
func TestInit(t *testing.T) {
	t.Parallel()
	checkInit(t, newCluster(t))
}

// checkInit begins without any topic.
func checkInit(t *testing.T, c *cluster) {
	t.Helper()
	wrong := c.init(t, sources.CreateConsumer).Of(check.Fail)
	for i, words := range []string{"topic " + c.topic + " does not exist", "topic " + c.topic + ".dlq for dead letters"} {
		if len(wrong) != 2 || !strings.Contains(wrong[i], words) || !strings.Contains(wrong[i], "run xmpp-notifier init --create") {
			t.Errorf("failures %q lack %q with its fix", wrong, words)
		}
	}
	for _, mode := range []sources.Mode{sources.CreateAll, sources.CheckOnly} {
		what := map[sources.Mode]string{sources.CreateAll: "created", sources.CheckOnly: "found"}[mode]
		report := c.init(t, mode)
		done := strings.Join(report.Of(check.OK), "\n")
		for _, want := range []string{what + " topic " + c.topic + " for notifications", what + " topic " + c.topic + ".dlq for dead letters (partitions: 1)", "may use the group"} {
			if !strings.Contains(done, want) {
				t.Errorf("done %q, lacks %q", done, want)
			}
		}
		if report.ExitCode() != 0 || len(report.Of(check.Warn)) > 0 {
			t.Errorf("init finds fault with what it has made: %+v", report)
		}
	}
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

// What exists is left as it is, and settings with which messages vanish are told.
func TestInitTellsHowMessagesVanish(t *testing.T) {
	t.Parallel()
	checkVanishing(t, withTopic(t))
}

func checkVanishing(t *testing.T, c *cluster) {
	t.Helper()
	if notes := c.init(t, sources.CreateAll).Of(check.Warn); len(notes) > 0 {
		t.Errorf("notes %q on a topic as the brokers make it by default", notes)
	}
	c.alter(t, map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "3600000", "retention.bytes": "1000000"})
	eventually(t, "the notes name the settings", func() bool {
		report := c.init(t, sources.CreateAll)
		notes := strings.Join(report.Of(check.Warn), "\n")
		for _, want := range []string{c.topic + ": cleanup.policy is compact,delete", c.topic + ": retention.ms is 3600000", c.topic + ": retention.bytes is 1000000"} {
			if !strings.Contains(notes, want) {
				return false
			}
		}
		return report.ExitCode() == 0 && len(report.Of(check.Warn)) == 3
	})
	if topics, err := c.ends(t.Context(), c.topic); err != nil || len(topics) != partitions {
		t.Errorf("partitions of the topic: %v, %v", topics, err)
	}
}

// Two that run at once, as init containers do, do not disturb each other.
func TestInitRunsAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			if report := c.init(t, sources.CreateAll); report.ExitCode() != 0 {
				t.Errorf("%+v", report)
			}
		})
	}
	running.Wait()
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
	c.ControlKey(int16(kmsg.FindCoordinator), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if asked.Add(1) > 2 {
			return nil, nil, false
		}
		response := request.ResponseKind().(*kmsg.FindCoordinatorResponse)
		response.ErrorCode = int16(kafkago.GroupCoordinatorNotAvailable)
		return response, nil, true
	})
	done := strings.Join(c.init(t, sources.CheckOnly).Of(check.OK), "\n")
	if !strings.Contains(done, "may use the group") || asked.Load() < 3 {
		t.Errorf("asked %d times, done %q", asked.Load(), done)
	}
}

// A worker's user may read the dead letters, but not write that one was replayed.
func TestMarkThatIsRefusedNamesTheFix(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	if err := c.CreateDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.Produce), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		refused := kmsg.NewProduceResponseTopicPartition()
		refused.ErrorCode = int16(kafkago.TopicAuthorizationFailed)
		response.Topics = []kmsg.ProduceResponseTopic{{Topic: c.topic + ".dlq", Partitions: []kmsg.ProduceResponseTopicPartition{refused}}}
		return response, nil, true
	})
	letters, err := admin.OpenDeadLetters(c.config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = letters.Close() }()
	err = letters.MarkReplayed(t.Context(), &sources.DeadLetter{ID: "one", Message: sources.Message{Topic: c.topic + ".dlq"}})
	if fault, ok := errors.AsType[*check.Fault](err); !ok || !strings.Contains(fault.Fix, "to write it") {
		t.Errorf("error %v", err)
	}
}

// A session timeout that the brokers do not take is found before the worker runs.
func TestInitChecksSessionTimeout(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.GroupMinSessionTimeout(6*time.Second))
	c.config.SessionTimeout = 1500 * time.Millisecond
	if err := c.createTopic(t.Context(), c.topic); err != nil {
		t.Fatal(err)
	}
	wrong := c.init(t, sources.CreateAll).Of(check.Fail)
	if len(wrong) != 1 || !strings.Contains(wrong[0], "KAFKA_SESSION_TIMEOUT=1.5s is outside") {
		t.Errorf("failures %q", wrong)
	}
}

// A cluster that never names a coordinator cannot be used, and why is said.
func TestInitSaysWhyThereIsNoCoordinator(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	if err := c.CreateDeadLetters(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.ControlKey(int16(kmsg.FindCoordinator), func(request kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		response := request.ResponseKind().(*kmsg.FindCoordinatorResponse)
		response.ErrorCode = int16(kafkago.GroupCoordinatorNotAvailable)
		return response, nil, true
	})
	wrong := c.init(t, sources.CheckOnly).Of(check.Fail)
	if len(wrong) != 1 || !strings.Contains(wrong[0], "offsets.topic.replication.factor") {
		t.Errorf("failures %q", wrong)
	}
}

// A broker that tells clients to use an address at which nobody is: both the check
// and the source name the setting.
func TestWrongAdvertisedListeners(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	_, port, _ := net.SplitHostPort(c.config.Brokers[0])
	c.config.Brokers = []string{"localhost:" + port}
	c.config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != c.config.Brokers[0] {
			return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
		}
		return new(net.Dialer).DialContext(ctx, network, c.ListenAddrs()[0])
	}
	wrong := strings.Join(c.init(t, sources.CheckOnly).Of(check.Fail), "\n")
	if !strings.Contains(wrong, "advertised.listeners") || !strings.Contains(wrong, "127.0.0.1:"+port) {
		t.Errorf("failures %q", wrong)
	}
	s := c.open(t)
	eventually(t, "the source says so, too", func() bool { return strings.Contains(s.Status().Problem, "advertised.listeners") })
}

func TestGroupOfAnotherApplication(t *testing.T) {
	t.Parallel()
	checkForeignGroup(t, withTopic(t))
}

// checkForeignGroup leaves a group alone that has members of another kind: one that
// shares out partitions by KIP-848, and one that does not.
func checkForeignGroup(t *testing.T, c *cluster) {
	t.Helper()
	for name, next := range map[string]bool{"classic": false, "KIP-848": true} {
		c.config.GroupID = c.topic + "-" + name
		ctx := t.Context()
		if next {
			ctx = context.WithValue(ctx, "opt_in_kafka_next_gen_balancer_beta", true) //nolint:staticcheck // the library's key
		}
		other := c.franz(t, kgo.ConsumeTopics(c.topic), kgo.ConsumerGroup(c.config.GroupID), kgo.ClientID("billing"), kgo.WithContext(ctx))
		polling, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			for polling.Err() == nil {
				other.PollFetches(polling)
			}
		}()
		eventually(t, name+": the check names the conflict", func() bool {
			wrong := strings.Join(c.init(t, sources.CheckOnly).Of(check.Fail), "\n")
			return strings.Contains(wrong, "belongs to another application") && strings.Contains(wrong, "KIP-848") == next && strings.Contains(wrong, "billing") && strings.Contains(wrong, "KAFKA_GROUP_ID")
		})
		s := c.open(t)
		eventually(t, name+": the source stays out", func() bool { return strings.Contains(s.Status().Problem, "belongs to another application") })
		stop()
		<-done
	}
}

func TestGroupRefusesOtherApplications(t *testing.T) {
	t.Parallel()
	checkRefusesOthers(t, withTopic(t))
}

// checkRefusesOthers has a consumer of another application come to the workers' group,
// with the usual ways to share partitions out. It gets none.
func checkRefusesOthers(t *testing.T, c *cluster) {
	t.Helper()
	s := c.open(t)
	eventually(t, "the source is in the group", func() bool { return s.Status().Receiving })
	c.publish(t, 0, 30)
	ack(t, receive(t, s, 30)...)
	other := c.franz(t, kgo.ConsumeTopics(c.topic), kgo.ConsumerGroup(c.config.GroupID), kgo.ClientID("billing"), kgo.InstanceID("billing-1"),
		kgo.Balancers(kgo.RoundRobinBalancer(), kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	fetches := other.PollFetches(ctx)
	if err := fetches.Err(); !errors.Is(err, kerr.InconsistentGroupProtocol) || !fetches.Empty() {
		t.Errorf("the other application is given %d records (%v)", fetches.NumRecords(), err)
	}
	c.publish(t, 30, 30)
	ack(t, receive(t, s, 30)...)
	c.settles(t, 60)
}
