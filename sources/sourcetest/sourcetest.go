// Package sourcetest is the conformance suite for sources: what the worker
// relies on, checked against a running broker.
//
// A source passes it by giving a Broker, some forty lines that publish, open
// and look into the broker behind the source's back:
//
//	func TestSource(t *testing.T) {
//		sourcetest.Run(t, func(t *testing.T) sourcetest.Broker { return newBroker(t) })
//	}
//
// Brokers differ, and the suite does not hide it: Features says how, and tests
// that make no sense for a broker are not among those that run. A Broker that
// is a Restarter is tested without its server, too.
//
// The tests are named for what they prove:
//
//	Message             a delivery tells all that the broker knows of it
//	Limit               a batch is never larger than asked for
//	Order               offsets rise within a partition
//	Backlog             what was not asked for is free for other sources
//	ReceiveEnds         Receive ends with its context, at once and empty-handed
//	Stop                a source that stops leaves the rest to others, and keeps its deliveries
//	SettleOnce          the first verb counts; durable is called once
//	SettleConcurrently  any goroutine may settle
//	Durable             durable comes by itself, and only when the broker has it
//	AckForwards         an acknowledgement covers nothing that was left out
//	Release             what was released is delivered again
//	CloseReleases      Close keeps what was acknowledged and releases the rest
//	SettleAfterClose    late verbs are harmless
//	CloseInTime         Close returns by its deadline
//	Reject              the dead letter is the message, with the reason
//	RejectWithoutTarget without a dead letter there is no acknowledgement
//	RejectKeeps         and the message is still there afterwards
//	HeldBeyondLease     what is held stays, while another source waits for work
//	HeldByBusyWorker    also when its holder does not call Receive meanwhile
//	Lost                a partition that moves is announced
//	Outage              a source finds its broker again
//	CloseWithoutBroker  and can be closed without it
//	NoLeaks             1,000 sources leave neither goroutines nor memory
package sourcetest

import (
	"context"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Broker is a broker with one fresh stream or topic and one consumer or group,
// without any dead-letter stream or topic yet. What it needs to clean up it
// registers with the test that made it.
type Broker interface {
	// Publish stores records in their order, and returns when the broker has
	// confirmed all of them. Records with equal keys share a partition.
	Publish(ctx context.Context, records ...Record) error
	// Open opens another source on the same consumer or group.
	Open(t *testing.T) sources.Source
	// Settled returns how many messages the broker regards as done with: the
	// ack floor, or the sum of the committed offsets.
	Settled(ctx context.Context) (int, error)
	// CreateDeadLetters makes the stream or topic that takes dead letters.
	CreateDeadLetters(ctx context.Context) error
	// DeadLetters returns all dead letters in their order. There are none
	// before CreateDeadLetters.
	DeadLetters(ctx context.Context) ([]Record, error)
	// Features returns what is particular to the broker.
	Features() Features
}

// Record is a message as a publisher writes it, and a dead letter as an
// operator finds it.
type Record struct {
	// Key chooses the partition; brokers without keys leave it out.
	Key    []byte
	Header []envelope.Header
	Body   []byte
}

// Restarter is what a Broker may be as well: one that can be stopped, and
// started again at the same address with what it has stored. Then the suite
// also checks what a source does without its broker.
type Restarter interface {
	Stop(t *testing.T)
	Start(t *testing.T)
}

// Features tells the suite how a broker differs from others.
type Features struct {
	// Lease is how long the broker waits for an in-progress ack before it gives
	// a message to somebody else. Keep it short: the suite waits for it.
	Lease time.Duration
	// PerMessage is true where single messages are acknowledged and given
	// back, and deliveries of a message counted; and false where a watermark moves per partition (Kafka). There a
	// message that was released returns only after the source is reopened,
	// together with all that followed it, and a partition has one reader,
	// which is told by Lost when it moves.
	PerMessage bool
	// AtMostOnce is true where the broker stores nothing (core NATS). There a
	// source listens from Open on, what is released is gone, and Settled
	// counts what publishers were told is delivered or rejected.
	AtMostOnce bool
	// Rounds is how often to open and close a source in search of leaks;
	// 0 means 1,000. Say less only where opening takes long.
	Rounds int
}

// Run runs the suite. newBroker is called once for every test in it, and once
// before. The tests run in parallel, because most of them wait for leases to
// end; but first NoLeaks, which counts what the process holds: the caller
// itself must not be parallel.
func Run(t *testing.T, newBroker func(t *testing.T) Broker) {
	t.Run("NoLeaks", func(t *testing.T) { testNoLeaks(t, newBroker(t)) })
	for _, test := range testsFor(newBroker(t)) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newBroker(t))
		})
	}
}

// test is one test of the suite.
type test struct {
	name string
	run  func(*testing.T, Broker)
}

// testsFor lists the tests that make sense for a broker.
func testsFor(b Broker) []test {
	list := []test{
		{"Message", testMessage},
		{"Limit", testLimit},
		{"LimitBytes", testLimitBytes},
		{"Order", testOrder},
		{"ReceiveEnds", testReceiveEnds},
		{"SettleOnce", testSettleOnce},
		{"SettleConcurrently", testSettleConcurrently},
		{"Durable", testDurable},
		{"Release", testRelease},
		{"SettleAfterClose", testSettleAfterClose},
		{"CloseInTime", testCloseInTime},
		{"Reject", testReject},
		{"RejectWithoutTarget", testRejectWithoutTarget},
		{"HeldBeyondLease", testHeldBeyondLease},
		{"HeldByBusyWorker", testHeldByBusyWorker},
	}
	f := b.Features()
	if !f.AtMostOnce {
		list = append(list,
			test{"AckForwards", testAckForwards},
			test{"CloseReleases", testCloseReleases},
			test{"RejectKeeps", testRejectKeeps})
	}
	if f.PerMessage {
		list = append(list, test{"Stop", testStop})
	}
	if f.PerMessage && !f.AtMostOnce {
		list = append(list, test{"Backlog", testBacklog})
	}
	if !f.PerMessage {
		list = append(list, test{"Lost", testLost})
	}
	if _, ok := b.(Restarter); ok {
		list = append(list, test{"Outage", testOutage}, test{"CloseWithoutBroker", testCloseWithoutBroker})
	}
	return list
}
