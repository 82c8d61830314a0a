package sources_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// topic is a topic with its dead letters in memory.
type topic struct {
	letters []*sources.DeadLetter
	stored  uint64    // messages so far
	now     time.Time // of the broker
}

// store is what happens to a message that is published: it gets a place.
func (p *topic) store(raw envelope.Raw) sources.Message {
	p.stored++
	p.now = p.now.Add(time.Second)
	return sources.Message{
		Raw: raw, Broker: "kafka", Topic: "alerts", Group: "g", Partition: 2, Offset: 16 + p.stored, Attempt: 1,
		Time: p.now,
	}
}

// deliver makes a delivery as the worker gets it.
func (p *topic) deliver(m sources.Message, signer *sources.Signer) *sources.Delivery {
	d := sources.NewDelivery(m, &rejecter{p, m})
	d.Trust(signer)
	return d
}

// rejecter writes dead letters.
type rejecter struct {
	topic   *topic
	message sources.Message
}

func (*rejecter) Ack(func()) error            { return nil }
func (*rejecter) Release(time.Duration) error { return nil }
func (*rejecter) Lost() <-chan struct{}       { return nil }

func (r *rejecter) Reject(_ context.Context, reason sources.Reason) error {
	r.topic.add(sources.DeadLetterHeaders(&r.message, reason, time.Now()), r.message.Body)
	return nil
}

func (p *topic) add(header []envelope.Header, body []byte) {
	offset := uint64(len(p.letters))
	p.letters = append(p.letters, &sources.DeadLetter{ID: strconv.FormatUint(offset, 10), Message: sources.Message{
		Raw: envelope.Raw{Body: body, Header: header}, Broker: "kafka", Topic: "alerts.dlq", Offset: offset, Time: time.Now(),
	}})
}

func (*topic) Owner() string                                        { return "g" }
func (*topic) Delete(context.Context, *sources.DeadLetter) error    { return sources.ErrKept }
func (*topic) Republish(context.Context, *sources.DeadLetter) error { return nil }
func (*topic) Close() error                                         { return nil }

func (p *topic) Each(_ context.Context, visit func(*sources.DeadLetter) error) error {
	for _, l := range p.letters {
		if err := visit(l); err != nil {
			return err
		}
	}
	return nil
}

func (p *topic) MarkReplayed(_ context.Context, l *sources.DeadLetter) error {
	p.add(sources.ReplayedHeaders(l, time.Now()), nil)
	return nil
}

func (p *topic) outstanding(t *testing.T) []*sources.DeadLetter {
	t.Helper()
	var list []*sources.DeadLetter
	err := sources.Outstanding(t.Context(), p, func(l *sources.DeadLetter) error { list = append(list, l); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func reject(t *testing.T, d *sources.Delivery) {
	t.Helper()
	if err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonRejected, Err: errors.New("no")}); err != nil {
		t.Fatal(err)
	}
}

// A notification without an id keeps its identity through the dead letters,
// however often it goes there, and its newest letter replaces the others.
func TestReplayKeepsTheIdentity(t *testing.T) {
	signer := sources.NewSigner("secret")
	p := &topic{}
	m := p.store(envelope.Raw{Body: []byte(`{"message":"x"}`), Header: []envelope.Header{{Key: "team", Value: "ops"}}})
	want := p.deliver(m, signer).Identity()
	for round := range 3 {
		reject(t, p.deliver(m, signer))
		letters := p.outstanding(t)
		if len(letters) != 1 || letters[0] != p.letters[len(p.letters)-1] {
			t.Fatalf("round %d: %d letters are outstanding, want the newest alone", round, len(letters))
		}
		m = p.store(envelope.Raw{Body: letters[0].Body, Header: letters[0].OriginalHeaders()})
		d := p.deliver(m, signer)
		if got := d.Identity(); got != want {
			t.Errorf("round %d: identity %q, want %q", round, got, want)
		}
		if d.Get("team") != "ops" || d.Get("x-dlq-reason") != "" || d.Get("x-dlq-offset") != "" {
			t.Errorf("round %d: headers %v", round, d.Header)
		}
		if round == 1 { // a mark beside it, or, in the other rounds, none
			_ = p.MarkReplayed(t.Context(), letters[0])
			if left := p.outstanding(t); len(left) > 0 {
				t.Errorf("round %d: %d letters are outstanding after the replay", round, len(left))
			}
		}
	}
}

// Who publishes cannot take the identity of another notification.
func TestNobodyElseSetsAnIdentity(t *testing.T) {
	signer := sources.NewSigner("secret")
	p := &topic{}
	m := p.store(envelope.Raw{Body: []byte("{}")})
	reject(t, p.deliver(m, signer))
	victim := p.deliver(m, signer).Identity()
	proved := p.letters[0].OriginalHeaders()
	for name, raw := range map[string]envelope.Raw{
		"without a proof":      {Body: []byte("{}"), Header: []envelope.Header{{Key: "x-replay-of", Value: victim}}},
		"with a false proof":   {Body: []byte("{}"), Header: []envelope.Header{{Key: "x-replay-of", Value: victim}, {Key: "x-replay-proof", Value: "AAAA"}}},
		"with another's proof": {Body: []byte(`{"message":"other"}`), Header: proved},
	} {
		stranger := p.store(raw)
		if d := p.deliver(stranger, signer); d.Identity() == victim {
			t.Errorf("%s: has the identity of another notification", name)
		}
		reject(t, p.deliver(stranger, signer))
		again := p.letters[len(p.letters)-1].OriginalHeaders()
		if (&sources.Message{Raw: envelope.Raw{Header: again}}).Get("x-replay-of") == victim {
			t.Errorf("%s: gets it by a replay", name)
		}
	}
	if p.deliver(p.store(envelope.Raw{Body: []byte("{}"), Header: proved}), sources.NewSigner("other")).Identity() == victim {
		t.Error("workers with another secret believe the proof")
	}
}

// The dead letters of other groups, and those that a replay has handled, are left
// alone.
func TestOutstandingIsOnlyOurs(t *testing.T) {
	signer := sources.NewSigner("secret")
	p := &topic{}
	for i := range 4 {
		m := p.store(envelope.Raw{Body: []byte("{}")})
		if i == 3 {
			m.Group = "another"
		}
		reject(t, p.deliver(m, signer))
	}
	_ = p.MarkReplayed(t.Context(), p.letters[1])
	list := p.outstanding(t)
	if len(list) != 2 || list[0] != p.letters[0] || list[1] != p.letters[2] {
		t.Errorf("%d letters are outstanding: %v", len(list), list)
	}
}

// Different messages stay different, also where a letter tells nothing.
func TestReplayTellsMessagesApart(t *testing.T) {
	seen := map[string]bool{}
	for i := range 5 {
		letter := sources.DeadLetter{Message: sources.Message{Broker: "kafka", Topic: "alerts.dlq", Offset: uint64(i)}}
		seen[(&sources.Message{Raw: envelope.Raw{Header: letter.OriginalHeaders()}}).Get("x-replay-of")] = true
	}
	if len(seen) != 5 {
		t.Errorf("%d identities for 5 messages", len(seen))
	}
}

// A topic or stream that is made anew begins with the same offsets: the broker's
// time tells its messages from the old ones.
func TestIdentityOfARecreatedTopic(t *testing.T) {
	before := sources.Message{Broker: "kafka", Topic: "alerts", Offset: 1, Time: time.Unix(1700000000, 0)}
	after := before
	after.Time = after.Time.Add(time.Millisecond)
	if a, b := sources.NewDelivery(before, nil).Identity(), sources.NewDelivery(after, nil).Identity(); a == b {
		t.Errorf("both messages are %q", a)
	}
}
