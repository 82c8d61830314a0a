package inspect

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// The burst of Probes.Throttle: enough to get beyond the bursts that servers
// allow (Prosody: 2 s, ejabberd: 20 kB), and short enough for a room with people.
const (
	burstMessages = 40
	burstBytes    = 1000
	// lowRate is that of the limits that Prosody and ejabberd are shipped with.
	lowRate = 30_000
)

// probe posts what was asked for.
func (in *inspection) probe(ctx context.Context, p prober) {
	if in.probes.RoundTrip && !in.roundTrip(ctx, p) {
		return
	}
	if in.probes.Throttle {
		in.throttle(ctx, p)
	}
}

func (in *inspection) roundTrip(ctx context.Context, p prober) bool {
	took, err := p.burst(ctx, 1, 0)
	if err != nil {
		return in.fail(stepRoundTrip, err)
	}
	return in.ok(stepRoundTrip, "shown after "+took.String())
}

// throttle measures how fast the room takes messages.
func (in *inspection) throttle(ctx context.Context, p prober) {
	took, err := p.burst(ctx, burstMessages, burstBytes)
	rate := burstMessages * burstBytes / took.Seconds()
	found := fmt.Sprintf("%d messages of 1 kB in %s: %d kB/s", burstMessages, took.Round(time.Millisecond), int(rate/1000))
	switch inFlight, pause, limited := p.room.Pace(); {
	case limited:
		in.warn(stepThrottle, "the room limits the rate of messages"+atRate(inFlight, pause), fixRate)
	case err != nil:
		in.fail(stepThrottle, err)
	case rate < lowRate:
		in.warn(stepThrottle, found, "the server limits clients: raise its limit for the account of XMPP_JID")
	default:
		in.ok(stepThrottle, found)
	}
}

const fixRate = "notifications arrive late when there are more; raise the limit of the room for the account of XMPP_JID (ejabberd: min_message_interval of mod_muc), or let fewer through"

// atRate says which rate the room allows, as far as that was seen.
func atRate(inFlight int, pause time.Duration) string {
	if pause > 0 {
		return fmt.Sprintf(": one every %s", pause.Round(10*time.Millisecond))
	}
	return fmt.Sprintf(": it takes %d at once", inFlight)
}

// prober posts into a room that was joined.
type prober struct {
	room *sink.Room
	left <-chan error // why we are in it no longer
	cfg  sink.Config
}

// burst posts n messages, padded to size bytes, and waits until the room has
// shown them all.
func (p *prober) burst(ctx context.Context, n, size int) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, p.cfg.StallTimeout, fmt.Errorf("not shown within XMPP_STALL_TIMEOUT=%s", p.cfg.StallTimeout))
	defer cancel()
	begin := time.Now()
	done := make(chan sink.Result, n)
	for i := range n {
		body := fmt.Sprintf("xmpp-notifier check: message %d of %d", i+1, n)
		body += strings.Repeat(" .", max(0, size-len(body))/2)
		if err := p.room.Submit(ctx, sink.Message{Body: body, Done: func(r sink.Result) { done <- r }}); err != nil {
			return 0, p.failed(context.Cause(ctx))
		}
	}
	for range n {
		if err := p.await(ctx, done); err != nil {
			return 0, err
		}
	}
	return time.Since(begin), nil
}

// await waits until the room has shown one more.
func (p *prober) await(ctx context.Context, done <-chan sink.Result) error {
	select {
	case r := <-done:
		if r.Outcome != sink.Delivered {
			return p.failed(r.Err)
		}
		return nil
	case err := <-p.left:
		return cmp.Or(err, context.Cause(ctx))
	case <-ctx.Done():
		return p.failed(context.Cause(ctx))
	}
}

func (p *prober) failed(err error) error {
	return &sink.Error{Op: "post to " + p.cfg.Room, Err: err}
}
