package jetstream

import (
	"context"
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// takeover is what a worker knows that has just been pinned. The broker redelivers
// what its predecessor held, but in any order, and it may deliver newer messages
// first. So nothing is handed over before all that is pending is here; then it is
// put in order. It belongs to Receive.
type takeover struct {
	claim   *claim // nil: none so far
	begun   time.Time
	missing int // messages that are pending elsewhere, at the last look
	pauses  backoff.Backoff
}

// takeOver returns what to ask for until messages come in order: nothing when they
// do.
func (s *Source) takeOver(ctx context.Context) (sources.Limit, error) {
	claim := s.pin.pinned()
	if claim == nil {
		return sources.Limit{Messages: 1}, nil // whoever gets the next message is pinned
	}
	info, err := s.lookUp(ctx, false)
	if err != nil {
		return sources.Limit{}, err
	}
	// Nothing is on its way to us: no request is open.
	missing := info.NumAckPending - s.leases.claimed(claim)
	if missing <= 0 {
		s.log.Info("this worker is pinned: it receives in order, the others stand by", "consumer", s.cfg.Consumer)
		s.health.Receiving()
		s.inbox.sort()
		s.pin.order(claim)
		return sources.Limit{}, nil
	}
	s.noteMissing(claim, missing)
	return sources.Limit{Messages: missing}, s.takeover.pause(ctx)
}

// noteMissing notes how many messages are missing. If nobody redelivers them for
// longer than the ack wait allows, somebody else holds them, which an operator must
// know.
func (s *Source) noteMissing(claim *claim, missing int) {
	t := &s.takeover
	switch {
	case t.claim != claim:
		*t = takeover{claim: claim, begun: time.Now(), pauses: backoff.Backoff{Min: 200 * time.Millisecond, Max: 5 * time.Second}}
		s.log.Info("this worker is pinned: it waits for what its predecessor held", "consumer", s.cfg.Consumer, "count", missing)
	case missing < t.missing:
		t.pauses.Reset()
	case time.Since(t.begun) > 2*s.leases.ackWait():
		_ = s.health.Failed(fmt.Errorf("%d notifications are held by another client of consumer %q, which extends their ack wait: nothing newer is shown before them", missing, s.cfg.Consumer))
	}
	t.missing = missing
}

// pause waits before the next request, unless the last one has brought what is
// missing: each may bring a newer message instead, which is held back here.
func (t *takeover) pause(ctx context.Context) error {
	if t.pauses.Pauses() == 0 {
		_ = t.pauses.Next()
		return nil
	}
	backoff.Wait(ctx, t.pauses.Next())
	return ctx.Err()
}
