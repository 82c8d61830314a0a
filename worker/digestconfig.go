package worker

import (
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// DigestConfig is what the operator says about showing several notifications in one
// message.
type DigestConfig struct {
	After    string        `envconfig:"DIGEST_AFTER" desc:"How many notifications are shown one by one within a time, like 20/1m. Beyond that, and while the room would need more than a minute for all that waits, they are shown together in digests. Default: never."`
	Every    time.Duration `envconfig:"DIGEST_EVERY" default:"10s" desc:"Time for which notifications are gathered into a digest. A source posts one in this time, and more only if they are full."`
	Max      int           `envconfig:"DIGEST_MAX" default:"500" desc:"Maximum notifications in one digest, 2 to 2000. While DIGEST_AFTER is set, each source may hold eight times as many more messages unacknowledged, 4000 at most."`
	Severity string        `envconfig:"DIGEST_SEVERITY" default:"critical" desc:"Notifications of this severity and worse are still shown one by one, at the rate of DIGEST_AFTER again. They overtake those gathered for a digest, except those about the same alert and recoveries on the same host."`
	MaxAge   time.Duration `envconfig:"MAX_AGE" desc:"Age, by the broker's timestamp, beyond which a notification is not shown but counted in one line with others, like 24h. Default: never, unless the notification itself expires."`
	Outage   time.Duration `envconfig:"OUTAGE_NOTICE" default:"5m" desc:"Length of an outage of the room after which one line says how long it was and how many messages wait. 0: never."`
}

// The limits of the limits.
const (
	leastEvery  = 100 * time.Millisecond
	leastDigest = 2
	mostDigest  = 2000
)

// Validate returns everything that is wrong with c, each error with its fix.
func (c DigestConfig) Validate() []error {
	var errs []error
	bad := func(fix, format string, args ...any) { errs = append(errs, check.Faultf(fix, format, args...)) }
	if _, ok := parseRate(c.After); !ok {
		bad("give a number and a time, like 20/1m", "DIGEST_AFTER=%q", c.After)
	}
	if c.Every < leastEvery {
		bad("must be "+leastEvery.String()+" or longer, like 10s", "DIGEST_EVERY=%s", c.Every)
	}
	if c.Max < leastDigest || c.Max > mostDigest {
		bad("use 2 to 2000; 500 suits most rooms", "DIGEST_MAX=%d", c.Max)
	}
	if s, known := envelope.ParseSeverity(c.Severity); !known || s == envelope.Unspecified {
		bad("use debug, info, warning, error or critical", "DIGEST_SEVERITY=%q", c.Severity)
	}
	if c.MaxAge < 0 {
		bad("must not be negative, like 24h", "MAX_AGE=%s", c.MaxAge)
	}
	if c.Outage < 0 {
		bad("must not be negative, like 5m, or 0 for never", "OUTAGE_NOTICE=%s", c.Outage)
	}
	return errs
}

// What is critical is found in a storm if so much of it is received: eight digests, and
// no more than two workers hold of one consumer of JetStream.
const (
	digestsAhead  = 8
	messagesAhead = 4000
)

// MaxPending is how many messages of one source may be pending if so many may be in
// flight.
func (c DigestConfig) MaxPending(inFlight int) int {
	pending := 2 * inFlight
	if c.After != "" {
		pending += min(digestsAhead*c.Max, messagesAhead)
	}
	return pending
}

// rate is so many within a time.
type rate struct {
	count int
	per   time.Duration
}

// parseRate reads a rate like 20/1m. The empty text is the zero rate.
func parseRate(text string) (r rate, ok bool) {
	if text == "" {
		return r, true
	}
	count, per, found := strings.Cut(text, "/")
	n, err := strconv.Atoi(strings.TrimSpace(count))
	d, wrong := time.ParseDuration(strings.TrimSpace(per))
	return rate{n, d}, found && err == nil && wrong == nil && n > 0 && d > 0
}
