package sink

import (
	"errors"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

const shortestPause = 500 * time.Millisecond

// lastingSession is how long we must have been in the room for the next pause to
// be short again, and undisturbedSession the same after it has removed us: who
// kicks us again and again sees us less and less. The latter is also how rarely
// we leave to take our nickname back.
const (
	lastingSession     = 10 * time.Second
	undisturbedSession = 5 * time.Minute
)

// mostReplaced is how many times longer pauses become for a session replaced by other
// sessions of the account again and again.
const mostReplaced = 20

// nextPause is the pause after a session of this length that ended with err.
func nextPause(b *backoff.Backoff, inRoom time.Duration, err error) time.Duration {
	enough := lastingSession
	if _, removed := errors.AsType[*RemovedError](err); removed || isReplaced(err) {
		enough = undisturbedSession
	}
	if inRoom > enough {
		b.Reset()
	}
	if isReplaced(err) { // coming back puts another worker out, who comes back as well
		return b.NextSlow() * time.Duration(min(b.Pauses(), mostReplaced))
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Lasting {
		return b.NextSlow()
	}
	return b.Next()
}
