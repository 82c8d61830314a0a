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
// Brokers differ, and the suite does not hide it: Features says how.
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

// Features tells the suite how a broker differs from others.
type Features struct {
	// Lease is how long the broker waits for a sign of life before it gives
	// a message to somebody else. Keep it short: the suite waits for it.
	Lease time.Duration
	// PerMessage is true where single messages are acknowledged and given
	// back, and false where a watermark moves per partition (Kafka). There a
	// message that was given back returns only after the source is reopened,
	// together with all that followed it, and a partition has one reader.
	PerMessage bool
	// Rounds is how often to open and close a source in search of leaks;
	// 0 means 100.
	Rounds int
}

// Run runs the suite. newBroker is called once for every test in it.
func Run(t *testing.T, newBroker func(t *testing.T) Broker) {
	tests := []struct {
		name string
		run  func(*testing.T, Broker)
	}{
		{"Message", testMessage},
		{"Limit", testLimit},
		{"Order", testOrder},
		{"Backlog", testBacklog},
		{"StopReceiving", testStopReceiving},
		{"SettleOnce", testSettleOnce},
		{"SettleConcurrently", testSettleConcurrently},
		{"Durable", testDurable},
		{"AckForwards", testAckForwards},
		{"Release", testRelease},
		{"CloseGivesBack", testCloseGivesBack},
		{"SettleAfterClose", testSettleAfterClose},
		{"Reject", testReject},
		{"RejectWithoutTarget", testRejectWithoutTarget},
		{"HeldBeyondLease", testHeldBeyondLease},
		{"NoLeaks", testNoLeaks},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, newBroker(t)) })
	}
}
