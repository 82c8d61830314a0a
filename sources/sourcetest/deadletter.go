package sourcetest

import (
	"context"
	"slices"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// malformed are bodies that no decoder takes.
func malformed() []Record {
	return []Record{
		{Key: []byte("a"), Body: []byte(`{"not":null}`), Header: []envelope.Header{{Key: "team", Value: "ops"}}},
		{Key: []byte("b"), Body: []byte("\xff\xfe\x00")},
		{Key: []byte("c"), Body: nil},
	}
}

// testReject: what cannot be decoded is delivered as such; rejected, it is
// found among the dead letters as it was published, with the reason added.
func testReject(t *testing.T, b Broker) {
	createDeadLetters(t, b)
	bad := malformed()
	src := feed(t, b, slices.Concat(records(0, 2), bad, records(2, 4))...)
	for _, d := range Next(t, src, 7) {
		if d.Malformed == nil {
			Ack(t, d)
			continue
		}
		reject(t, d)
	}
	settles(t, b, 7)
	letters := deadLetters(t, b, len(bad))
	for _, want := range bad {
		i := slices.IndexFunc(letters, func(l Record) bool { return string(l.Body) == string(want.Body) })
		if i < 0 {
			t.Errorf("no dead letter has the body %q", want.Body)
			continue
		}
		checkDeadLetter(t, letters[i], want)
	}
}

// checkDeadLetter compares a dead letter with the message that it stands for.
func checkDeadLetter(t *testing.T, got, want Record) {
	t.Helper()
	if got.Key != nil && string(got.Key) != string(want.Key) {
		t.Errorf("dead letter has key %q, want %q", got.Key, want.Key)
	}
	raw := envelope.Raw{Header: got.Header}
	for _, h := range want.Header {
		if raw.Get(h.Key) != h.Value {
			t.Errorf("dead letter has %s: %q, want %q", h.Key, raw.Get(h.Key), h.Value)
		}
	}
	if code := raw.Get("x-dlq-reason"); code != string(sources.ReasonDecode) {
		t.Errorf("dead letter has reason %q, want %q", code, sources.ReasonDecode)
	}
	for _, key := range []string{"x-dlq-error", "x-dlq-source", "x-dlq-topic", "x-dlq-offset", "x-dlq-attempts", "x-dlq-failed-at"} {
		if raw.Get(key) == "" {
			t.Errorf("dead letter has no header %s", key)
		}
	}
}

// testRejectWithoutTarget: as long as the dead letter cannot be written, the
// message is not acknowledged, and the caller may try again.
func testRejectWithoutTarget(t *testing.T, b Broker) {
	src := feed(t, b, malformed()[0])
	d := Next(t, src, 1)[0]
	refuse(t, d)
	unsettled(t, b)
	refuse(t, d)
	createDeadLetters(t, b)
	reject(t, d)
	settles(t, b, 1)
	deadLetters(t, b, 1)
}

// testRejectKeeps: a message whose dead letter could not be written is there
// for the next source.
func testRejectKeeps(t *testing.T, b Broker) {
	src := feed(t, b, malformed()[0])
	refuse(t, Next(t, src, 1)[0])
	shut(t, src)
	unsettled(t, b)
	createDeadLetters(t, b)
	reject(t, Next(t, open(t, b), 1)[0])
	settles(t, b, 1)
	deadLetters(t, b, 1)
}

// unsettled expects that the broker regards no message as done.
func unsettled(t *testing.T, b Broker) {
	t.Helper()
	if n, err := b.Settled(t.Context()); err == nil && n != 0 {
		t.Fatalf("broker regards %d messages as settled although no dead letter was written", n)
	}
}

// refuse expects that d cannot be rejected.
func refuse(t *testing.T, d *sources.Delivery) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience/3)
	defer cancel()
	if err := d.Reject(ctx, reason(d)); err == nil {
		t.Fatalf("rejected %s although nothing takes its dead letter", d.Place())
	}
}

// reject rejects d, trying again as the worker would.
func reject(t *testing.T, d *sources.Delivery) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	for {
		err := d.Reject(ctx, reason(d))
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("reject %s: %v", d.Place(), err)
		}
		Beat()
	}
}

func reason(d *sources.Delivery) sources.Reason {
	return sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}
}

// createDeadLetters makes the target and fails the test if it cannot.
func createDeadLetters(t *testing.T, b Broker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if err := b.CreateDeadLetters(ctx); err != nil {
		t.Fatalf("create dead-letter target: %v", err)
	}
}

// deadLetters waits for n dead letters and returns them.
func deadLetters(t *testing.T, b Broker, n int) []Record {
	t.Helper()
	var letters []Record
	Eventually(t, "all dead letters are there", func() bool {
		var err error
		letters, err = b.DeadLetters(t.Context())
		return err == nil && len(letters) >= n
	})
	if len(letters) != n {
		t.Fatalf("%d dead letters, want %d", len(letters), n)
	}
	return letters
}
