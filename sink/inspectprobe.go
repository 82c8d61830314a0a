package sink

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// The burst of Probes.Throttle: enough to get beyond the bursts that servers
// allow (Prosody: 2 s, ejabberd: 20 kB), and short enough for a room with people.
const (
	burstMessages = 40
	burstBytes    = 1000
	// lowRate is that of the limits that Prosody and ejabberd are shipped with.
	lowRate = 30_000
)

// throttle measures how fast the room takes messages.
func (in *inspection) throttle(ctx context.Context, s *session) {
	took, err := in.burst(ctx, s, burstMessages, burstBytes)
	if err != nil {
		in.fail(stepThrottle, err)
		return
	}
	rate := int(float64(burstMessages*burstBytes) / took.Seconds())
	found := fmt.Sprintf("%d messages of 1 kB in %s: %d kB/s", burstMessages, took.Round(time.Millisecond), rate/1000)
	if rate < lowRate {
		in.warn(stepThrottle, found, "the server limits clients: raise its limit for the account of XMPP_JID")
		return
	}
	in.ok(stepThrottle, found)
}

// burst posts n messages, padded to size bytes, and waits until the room has
// shown them all.
func (in *inspection) burst(ctx context.Context, s *session, n, size int) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, in.cfg.StallTimeout, fmt.Errorf("not shown within XMPP_STALL_TIMEOUT=%s", in.cfg.StallTimeout))
	defer cancel()
	in.box.ledger.minter.prepare() // it takes a while, and not to the room
	begin := time.Now()
	done := make(chan Result, n)
	for i := range n {
		body := fmt.Sprintf("xmpp-notifier check: message %d of %d", i+1, n)
		body += strings.Repeat(" .", max(0, size-len(body))/2)
		if err := in.Submit(ctx, Message{Body: body, Done: func(r Result) { done <- r }}); err != nil {
			return 0, &Error{Op: "post to " + in.cfg.Room, Err: err}
		}
	}
	for range n {
		select {
		case r := <-done:
			if r.Outcome != Delivered {
				return 0, &Error{Op: "post to " + in.cfg.Room, Err: r.Err}
			}
		case <-s.ended:
			return 0, s.end
		case <-ctx.Done():
			return 0, &Error{Op: "post to " + in.cfg.Room, Err: context.Cause(ctx)}
		}
	}
	return time.Since(begin), nil
}
