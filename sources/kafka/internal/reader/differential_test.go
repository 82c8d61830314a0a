package reader_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
)

// TestLogs reads the logs that a broker in the process keeps; TestRealLogs those of a
// real one.
func TestLogs(t *testing.T) {
	t.Parallel()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	readAlike(t, cluster.ListenAddrs(), func(k *kind) bool { return !k.real })
}

// readAlike writes logs of all kinds that the broker can keep, and holds what we
// read of them against what franz-go reads.
func readAlike(t *testing.T, brokers []string, can func(*kind) bool) {
	for i, k := range kinds() {
		if !can(&k) {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			l := &log{TB: t, brokers: brokers, topic: fmt.Sprintf("log-%d", i)}
			l.create(t.Context(), k.config)
			k.write(l)
			if !k.open {
				l.awaitTransactions()
			}
			want := l.theirs(k.want)
			for end := time.Now().Add(patience); k.compacts && len(want) > k.want; want = l.theirs(k.want) {
				if time.Now().After(end) {
					t.Fatalf("the broker does not compact: %d messages, not %d", len(want), k.want)
				}
			}
			if len(want) != k.want {
				t.Errorf("franz-go reads %d messages, not %d", len(want), k.want)
			}
			for _, readers := range []int{1, 10_000} { // which is how much one fetch brings
				got := l.ours(readers)
				if !slices.Equal(got, want) {
					t.Errorf("as one of %d readers, %d messages differ from franz-go's %d: %s", readers, len(got), len(want), difference(got, want))
				}
			}
		})
	}
}

const patience = time.Minute

// difference names the first one.
func difference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return "lacks " + want[i]
		case i >= len(want):
			return "has " + got[i]
		case got[i] != want[i]:
			return got[i] + "\nis not\n" + want[i]
		}
	}
	return "nothing"
}

// theirs is what franz-go reads: until the end, or until nothing comes beyond the
// messages that should.
func (l *log) theirs(expected int) []string {
	l.Helper()
	end := l.end()
	c := l.client(
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: {0: kgo.NewOffset().AtStart()}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.FetchMaxWait(200*time.Millisecond),
		kgo.FetchMaxBytes(64<<20), kgo.FetchMaxPartitionBytes(32<<20),
	)
	defer c.Close()
	var all []string
	last := int64(-1)
	for quiet := 0; last < end-1 && (len(all) < expected || quiet == 0) && quiet < 60; {
		ctx, cancel := context.WithTimeout(l.Context(), 500*time.Millisecond)
		fetches := c.PollFetches(ctx)
		cancel()
		for _, err := range fetches.Errors() {
			if !errors.Is(err.Err, context.DeadlineExceeded) {
				l.Fatal(err.Err)
			}
		}
		quiet++
		fetches.EachRecord(func(r *kgo.Record) {
			quiet, last = 0, r.Offset
			var headers []string
			for _, h := range r.Headers {
				headers = append(headers, fmt.Sprintf("%q=%s", h.Key, nullable(h.Value)))
			}
			all = append(all, describe(r.Offset, r.Timestamp, r.Key, r.Value, headers))
		})
	}
	return all
}

// describe tells null from empty, and long values by their ends. No time is -1 for one
// library, and the zero time for us.
func describe(offset int64, at time.Time, key, value []byte, headers []string) string {
	return fmt.Sprintf("%d %d %s %s %s", offset, max(at.UnixMilli(), -1), nullable(key), nullable(value), strings.Join(headers, " "))
}

func nullable(b []byte) string {
	if b == nil {
		return "null"
	}
	if len(b) > 200 {
		return fmt.Sprintf("%d:%q…%q", len(b), b[:50], b[len(b)-50:])
	}
	return fmt.Sprintf("%q", b)
}

// ours is what our reader reads, as one of so many readers.
func (l *log) ours(readers int) []string {
	l.Helper()
	c := l.ourClient()
	defer c.Close()
	memory, err := reader.NewMemory(0)
	if err != nil {
		l.Fatal(err)
	}
	defer memory.Close()
	topics, err := c.SourceTopics(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(l.Context(), patience)
	defer cancel()
	r := reader.New(c, memory, readers, topics[l.topic], 0, int64(client.Start), -1)
	defer r.Close()
	var all []string
	for end := l.end(); r.Offset() < end; {
		item, err := r.Next(ctx)
		if errors.Is(err, reader.ErrIdle) {
			continue
		}
		if err != nil {
			l.Fatalf("at offset %d of %d: %v", r.Offset(), end, err)
		}
		if item.Empty || item.Offset >= end {
			continue
		}
		if item.Unreadable != nil || item.Oversize > 0 {
			l.Fatalf("at offset %d of %d: %v, %d bytes", r.Offset(), end, item.Unreadable, item.Oversize)
		}
		var headers []string
		for _, h := range item.Headers {
			headers = append(headers, fmt.Sprintf("%q=%s", h.Key, nullable(h.Value)))
		}
		all = append(all, describe(item.Offset, item.Time, item.Key, item.Value, headers))
	}
	return all
}

func (l *log) ourClient() *client.Client {
	l.Helper()
	c, err := client.New(client.Config{
		Brokers: l.brokers, Topics: []string{l.topic}, GroupID: "g", DLQSuffix: ".dlq",
		Start: client.StartEarliest, SessionTimeout: time.Minute, SASL: "none",
	})
	if err != nil {
		l.Fatal(err)
	}
	return c
}

// awaitTransactions waits until the brokers have marked the ends of transactions.
func (l *log) awaitTransactions() {
	l.Helper()
	c := l.client()
	defer c.Close()
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		response, err := l.lastOffset().RequestWith(l.Context(), c)
		if err != nil {
			l.Fatal(err)
		}
		if response.Topics[0].Partitions[0].Offset == l.end() {
			return
		}
		if time.Now().After(deadline) {
			l.Fatal("a transaction does not end")
		}
	}
}

// end is where decided messages end.
func (l *log) end() int64 {
	l.Helper()
	c := l.ourClient()
	defer c.Close()
	topics, err := c.SourceTopics(l.Context())
	if err != nil {
		l.Fatal(err)
	}
	end, err := c.Offset(l.Context(), topics[l.topic], 0, client.End)
	if err != nil {
		l.Fatal(err)
	}
	return end
}
