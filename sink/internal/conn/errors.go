package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"
)

// Kind is a word for why a connection or an attempt ended, for statistics. What
// the other side says never becomes part of it.
type Kind string

// The kinds that a connection knows. Who uses it has others.
const (
	KindClosed  Kind = "closed"
	KindDNS     Kind = "dns"
	KindLogin   Kind = "login"
	KindNetwork Kind = "network"
	KindSilent  Kind = "silent"
	KindStream  Kind = "stream_error"
	KindTimeout Kind = "timeout"
	KindTLS     Kind = "tls"
)

// Error is a failure to reach the room, or the end of a session in it, with the
// fix that an operator can apply.
type Error struct {
	Kind Kind
	Op   string // what was tried, like "join alerts@conference.example.org"
	Err  error  // what came of it, with the XMPP condition where there was one
	Fix  string // what to do; empty if waiting is all
	// Lasting says that somebody must change something before another attempt
	// can succeed. Attempts go on, slowly.
	Lasting bool
}

func (e *Error) Error() string {
	if e.Fix == "" {
		return e.What()
	}
	return e.What() + ": " + e.Fix
}

// What is what was tried and what came of it, without the fix.
func (e *Error) What() string { return fmt.Sprintf("%s: %v", e.Op, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// End is an end of a connection that we find out by ourselves.
type End struct { //nolint:errname // it is what it says: the end
	Kind Kind
	Text string
}

func (e *End) Error() string { return e.Text }

// The ends of a connection.
var (
	ErrClosed = &End{KindClosed, "server closed the stream"}
	ErrSilent = &End{KindSilent, "no answer from the server within twice XMPP_PING_INTERVAL"}
)

// KindOf returns the kind of err: that of the first in it that has one.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*End](err); ok {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return KindTimeout
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != "" {
		return e.Kind
	}
	if c, ok := errors.AsType[*Condition](err); ok && c.Of == OfStream {
		return KindStream
	}
	if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		return KindTimeout
	}
	return KindNetwork
}

// Because adds why ctx has ended to the error that follows from it: "use of closed
// network connection" and "i/o timeout" explain nothing. The limit of a read may be
// noticed a moment before that of ctx, which is the same.
func Because(ctx context.Context, err error) error {
	if limit, limited := ctx.Deadline(); limited && errors.Is(err, os.ErrDeadlineExceeded) && !time.Now().Before(limit) {
		<-ctx.Done()
	}
	if ctx.Err() == nil || errors.Is(err, context.Cause(ctx)) {
		return err
	}
	return fmt.Errorf("%w: %w", context.Cause(ctx), err)
}
