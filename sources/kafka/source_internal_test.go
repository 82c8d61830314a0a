package kafka

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/reader"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/record"
)

// What only takes up offsets, like the end of a transaction, may use up the limit.
// What is behind it must not wait until something else happens: the message before
// it may be a dead letter that cannot be written.
func TestMessagesBehindEmptyOffsetsAreReceived(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &Source{wake: make(chan struct{}, 1), closing: t.Context()}
		p := newPartition(&generation{source: s, dirty: make(chan struct{}, 1)}, "alerts", 0, 1)
		for _, item := range []reader.Item{
			{Record: record.Record{Offset: 0, Value: []byte("never settled")}, Last: 0},
			{Record: record.Record{Offset: 1}, Last: 1, Empty: true},
			{Record: record.Record{Offset: 2, Value: []byte("behind")}, Last: 2},
			{Record: record.Record{Offset: 3}, Last: 3, Empty: true},
			{Record: record.Record{Offset: 4, Value: []byte("behind that")}, Last: 4},
		} {
			p.put(&item)
		}
		s.attach([]*partition{p})
		for _, want := range []uint64{0, 2, 4} {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			batch, err := s.Receive(ctx, sources.Limit{Messages: 1})
			cancel()
			if err != nil || len(batch) != 1 || batch[0].Offset != want {
				t.Fatalf("received %d deliveries (%v), want that of offset %d", len(batch), err, want)
			}
		}
	})
}
