package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// publish stores n notifications with ids from first on, over all partitions.
func (c *cluster) publish(t testing.TB, first, n int) {
	t.Helper()
	records := make([]sourcetest.Record, n)
	for i := range records {
		id := first + i
		records[i] = sourcetest.Record{
			Key:  []byte(strconv.Itoa(id % 12)),
			Body: fmt.Appendf(nil, `{"id":"%d","message":"number %d"}`, id, id),
		}
	}
	if err := c.Publish(t.Context(), records...); err != nil {
		t.Fatal(err)
	}
}

// receive returns the next n deliveries and fails the test on any error.
func receive(t testing.TB, s *kafka.Source, n int) []*sources.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var all []*sources.Delivery
	for len(all) < n {
		batch, err := sourcetest.Receive(ctx, s, n-len(all))
		if err != nil {
			t.Fatalf("received %d of %d: %v", len(all), n, err)
		}
		all = append(all, batch...)
	}
	return all
}

// receiveEach returns the last deliveries of n messages of a partition, in their order:
// the partition may be shared out anew meanwhile.
func receiveEach(t testing.TB, s *kafka.Source, n int) []*sources.Delivery {
	t.Helper()
	latest := map[uint64]*sources.Delivery{}
	for len(latest) < n {
		d := receive(t, s, 1)[0]
		latest[d.Offset] = d
	}
	var all []*sources.Delivery
	for _, offset := range slices.Sorted(maps.Keys(latest)) {
		all = append(all, latest[offset])
	}
	return all
}

func ack(t testing.TB, deliveries ...*sources.Delivery) {
	t.Helper()
	for _, d := range deliveries {
		if err := d.Ack(func() {}); err != nil {
			t.Fatal(err)
		}
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// settles waits until the group has committed n messages.
func (c *cluster) settles(t testing.TB, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d messages are committed", n), func() bool {
		got, err := c.Settled(t.Context())
		return err == nil && got == n
	})
}

// tape counts what workers acknowledged, and checks the order per partition.
type tape struct {
	mu    sync.Mutex
	count map[string]int
	total int
}

func newTape() *tape { return &tape{count: map[string]int{}} }

func (tp *tape) different() int {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return len(tp.count)
}

func (tp *tape) repeats() int {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	return tp.total - len(tp.count)
}

func (tp *tape) add(d *sources.Delivery) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.count[d.Envelope.ID]++
	tp.total++
}

// work acknowledges what s delivers, at most 20 at a time, until the test ends
// or the returned function is called. It logs temporary errors.
func work(t testing.TB, s *kafka.Source, tp *tape) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		last := map[int]uint64{}
		for ctx.Err() == nil {
			batch, err := sourcetest.Receive(ctx, s, 20)
			if err != nil && !errors.Is(err, context.Canceled) {
				t.Logf("receive: %v", err)
			}
			for _, d := range batch {
				if before, ok := last[d.Partition]; ok && tp.repeats() == 0 && d.Offset != before+1 && d.Offset != 0 {
					t.Errorf("%s came after offset %d", d.Place(), before)
				}
				last[d.Partition] = d.Offset
				tp.add(d)
				ack(t, d)
			}
			<-pace.C
		}
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}
