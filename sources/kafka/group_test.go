package kafka_test

import (
	"context"
	"net"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// A member that joins, and one that leaves, take partitions over without a
// notification being lost or repeated, as long as what is out gets settled.
func TestRebalanceRepeatsNothing(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	const n = 6000
	tp, first := newTape(), c.open(t)
	stopFirst := work(t, first, tp)
	c.publish(t, 0, n/3)
	eventually(t, "the first member is at work", func() bool { return tp.different() > 100 })
	second := c.open(t)
	shared := newTape()
	stopSecond := work(t, second, shared)
	c.publish(t, n/3, n/3)
	for i := 0; shared.different() == 0; i++ { // messages for the second until it has a share
		c.publish(t, n+i, 1)
	}
	stopFirst()
	if err := first.Close(t.Context()); err != nil {
		t.Error(err)
	}
	c.publish(t, 2*n/3, n/3)
	all := func() int {
		end := 0
		for _, p := range c.PartitionInfos(topic) {
			end += int(p.HighWatermark)
		}
		return end
	}()
	c.settles(t, all)
	stopSecond()
	if got := tp.total + shared.total; got != all {
		t.Errorf("%d deliveries of %d notifications", got, all)
	}
	if tp.repeats()+shared.repeats() > 0 {
		t.Errorf("%d and %d deliveries were repeats", tp.repeats(), shared.repeats())
	}
}

// drainTime is the longest that a generation waits for what is out.
const drainTime = 10 * time.Second

// When a partition moves, its holder is told at once. What it has sent by then
// it may still acknowledge, and nobody gets it again; what it releases moves on
// without a wait.
func TestRevokedDeliveriesAreFinishedOrGivenBack(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 60)
	first := c.open(t)
	held := receive(t, first, 60)
	second := c.open(t)
	select {
	case <-held[1].Lost():
	case <-time.After(patience):
		t.Fatal("the holder was not told")
	}
	ack(t, held[0])
	if err := held[1].Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected}); err == nil || !strings.Contains(err.Error(), "next owner") {
		t.Errorf("reject what belongs to somebody else: error %v", err)
	}
	for _, d := range held[1:] {
		if err := d.Release(0); err != nil {
			t.Error(err)
		}
	}
	start := time.Now()
	again := newTape()
	work(t, first, again)
	work(t, second, again)
	eventually(t, "everything else comes again", func() bool { return again.different() == 59 })
	if took := time.Since(start); took > drainTime { // there is no wait at all
		t.Errorf("the group waited %s", took)
	}
	c.settles(t, 60)
	if again.count[held[0].Envelope.ID] > 0 {
		t.Error("what was acknowledged during the drain came again")
	}
}

// A holder that settles nothing, because its room is down, does not hold up the
// group for all of the drain time.
func TestStalledHolderDoesNotHoldUpTheGroup(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 60)
	first := c.open(t)
	held := receive(t, first, 60)
	second := c.open(t)
	<-held[0].Lost() // fails by the test timeout if that never comes
	start := time.Now()
	again := newTape()
	work(t, first, again)
	work(t, second, again)
	eventually(t, "everything comes again", func() bool { return again.different() == 60 })
	if took := time.Since(start); took > drainTime { // the pause is 2 s
		t.Errorf("the group waited %s", took)
	}
	ack(t, held...) // too late, and harmless
	c.settles(t, 60)
}

// After a crash, what was committed does not come again, and all else does.
func TestCrashRepeatsOnlyWhatIsNotCommitted(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.config.SessionTimeout = short // so long it takes until the group goes on without who crashed
	const n, settled = 300, 200
	c.publish(t, 0, n)
	s := c.open(t)
	batch := receive(t, s, n)
	ack(t, batch[:settled]...)
	c.settles(t, settled)
	s.Crash()
	ack(t, batch[settled]) // too late: another may have it

	want := map[string]bool{}
	for _, d := range batch[settled:] {
		want[d.Envelope.ID] = true
	}
	again := receive(t, c.open(t), n-settled)
	for _, d := range again {
		if !want[d.Envelope.ID] {
			t.Errorf("%s came again although it was committed", d.Place())
		}
	}
	ack(t, again...)
	c.settles(t, n)
}

// A cut connection ends the generation. What was acknowledged before the cut
// is committed on another one, so that nothing is repeated.
func TestCutConnectionsRepeatNothing(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	const n = 3000
	s, tp := c.open(t), newTape()
	stop := work(t, s, tp)
	for i := range 3 {
		c.publish(t, i*n/3, n/3)
		eventually(t, "work goes on", func() bool { return tp.different() > i*n/3+100 })
		s.CutConnections()
	}
	eventually(t, "everything is delivered", func() bool { return tp.different() == n })
	c.settles(t, n)
	stop()
	if tp.repeats() > 0 {
		t.Errorf("%d deliveries were repeats", tp.repeats())
	}
}

// A broker that restarts on its address interrupts, and loses nothing.
func TestBrokerRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := newCluster(t, kfake.DataDir(dir))
	if err := c.createTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	const n = 1000
	s, tp := c.open(t), newTape()
	work(t, s, tp)
	c.publish(t, 0, n/2)
	eventually(t, "work goes on", func() bool { return tp.different() > n/4 })
	_, port, _ := net.SplitHostPort(c.ListenAddrs()[0])
	c.Close()
	number, _ := strconv.Atoi(port)
	c2 := newCluster(t, kfake.DataDir(dir), kfake.Ports(number))
	c2.publish(t, n/2, n/2)
	eventually(t, "everything is delivered", func() bool { return tp.different() == n })
	c2.settles(t, n)
	t.Logf("%d repeats", tp.repeats())
}

// A partition's leader moves to another broker, again and again: reading goes on
// there, in order.
func TestLeaderMoves(t *testing.T) {
	t.Parallel()
	const brokers, n = 3, 200
	c := newCluster(t, kfake.NumBrokers(brokers))
	if err := c.createTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	tp := newTape()
	work(t, c.open(t), tp)
	for round := range 4 {
		c.publish(t, round*n, n)
		for p := range partitions {
			if err := c.MoveTopicPartition(topic, int32(p), int32((p+round)%brokers)); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all is read", func() bool { return tp.different() == (round+1)*n })
	}
	if n := tp.repeats(); n > 0 {
		t.Errorf("%d came twice", n)
	}
}

// So does one that moves after it was asked for, and before it is known where to begin.
func TestLeaderMovesBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	const brokers, n = 3, 30
	c := newCluster(t, kfake.NumBrokers(brokers))
	if err := c.createTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	c.publish(t, 0, n)
	c.ControlKey(int16(kmsg.OffsetFetch), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.SleepControl(func() {
			for p := range partitions {
				leader := c.LeaderFor(topic, int32(p))
				if err := c.MoveTopicPartition(topic, int32(p), (leader+1)%brokers); err != nil {
					t.Error(err)
				}
			}
		})
		return nil, nil, false // once
	})
	ack(t, receive(t, c.open(t), n)...)
	c.settles(t, n)
}

// A topic that is missing is named, is not created, and is read once it is there.
func TestMissingTopic(t *testing.T) {
	t.Parallel()
	c := newCluster(t, kfake.AllowAutoTopicCreation())
	s := c.open(t)
	start := time.Now()
	for range 2 {
		_, err := sourcetest.Receive(t.Context(), s, 10)
		if err == nil {
			t.Fatal("no error for a missing topic")
		}
		for _, word := range []string{"topic alerts does not exist", c.config.Brokers[0], "KAFKA_TOPICS"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("error %q does not say %q", err, word)
			}
		}
	}
	if took := time.Since(start); took < time.Second {
		t.Errorf("two errors within %s: a caller would spin", took)
	}
	if c.TopicInfo(topic) != nil {
		t.Error("the topic was created by looking for it")
	}
	if err := c.createTopic(t.Context(), topic); err != nil {
		t.Fatal(err)
	}
	c.publish(t, 0, 30)
	tp := newTape()
	work(t, s, tp)
	eventually(t, "the notifications come", func() bool { return tp.different() == 30 })
}

// Partitions that are added later are read, too.
func TestNewPartitions(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	s, tp := c.open(t), newTape()
	work(t, s, tp)
	c.publish(t, 0, 100)
	eventually(t, "the source is at work", func() bool { return tp.different() == 100 })
	response, err := c.admin.CreatePartitions(t.Context(), &kafkago.CreatePartitionsRequest{
		Topics: []kafkago.TopicPartitionsConfig{{Name: topic, Count: partitions + 2}},
	})
	if err != nil || response.Errors[topic] != nil {
		t.Fatal(err, response.Errors)
	}
	eventually(t, "the writer knows the new partitions", func() bool {
		c.publish(t, 100, 100)
		infos := c.PartitionInfos(topic)
		return infos[partitions].HighWatermark+infos[partitions+1].HighWatermark > 0
	})
	eventually(t, "everything is committed", func() bool {
		offsets, err := c.committed(t.Context())
		for _, p := range c.PartitionInfos(topic) {
			if err != nil || max(offsets[int(p.Partition)], 0) != p.HighWatermark {
				return false
			}
		}
		return true
	})
}

// A committed offset that the log does not have is replaced by the earliest.
func TestOffsetOutOfRange(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.publish(t, 0, 60)
	commits := []kafkago.OffsetCommit{{Partition: 0, Offset: 5000}, {Partition: 1, Offset: 5000}, {Partition: 2, Offset: 5000}}
	if _, err := c.admin.OffsetCommit(t.Context(), &kafkago.OffsetCommitRequest{
		GroupID: c.config.GroupID, GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{topic: commits},
	}); err != nil {
		t.Fatal(err)
	}
	ack(t, receive(t, c.open(t), 60)...)
	c.settles(t, 60)
}

// "Latest" is resolved once: what comes while the worker is away is not skipped.
func TestStartLatest(t *testing.T) {
	t.Parallel()
	c := withTopic(t)
	c.config.Start = "latest"
	c.publish(t, 0, 60)
	s := c.open(t)
	c.settles(t, 60)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.publish(t, 60, 30)
	for _, d := range receive(t, c.open(t), 30) {
		if id, _ := strconv.Atoi(d.Envelope.ID); id < 60 {
			t.Errorf("%s is older than the start", d.Place())
		}
	}
}

// Close obeys its deadline and leaves nothing running, also with a broker that
// no longer answers.
func TestCloseWithSilentBroker(t *testing.T) {
	c := withTopic(t)
	c.publish(t, 0, 30)
	s, err := kafka.Open(c.config, logger(t))
	if err != nil {
		t.Fatal(err)
	}
	batch := receive(t, s, 30)
	c.Control(func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		return nil, nil, true // says nothing
	})
	ack(t, batch...)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.Close(ctx); err == nil {
		t.Error("no error although nothing could be committed")
	}
	if took := time.Since(start); took > 9*time.Second { // a request waits for 10 s
		t.Errorf("close took %s", took)
	}
	eventually(t, "all goroutines have ended", func() bool { return running() == "" })
}

// running returns the stack of a goroutine that works for a source.
func running() string {
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		for _, of := range []string{"/sources/kafka.(", "kafka-go.(*ConsumerGroup)", "kafka-go.(*Generation)", "kafka-go.(*reader)"} {
			if strings.Contains(stack, of) {
				return stack
			}
		}
	}
	return ""
}
