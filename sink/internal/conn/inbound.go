package conn

import (
	"bufio"
	"net"
	"sync/atomic"
	"time"
)

// readAhead is how much is read at once, if it is there: all that may be in flight,
// for most.
const readAhead = 32 << 10

// inbound is a connection below TLS, which is read in pieces as large as what has
// come. A server may make a TLS record of each stanza: to read each alone, and to act
// on it, would cost more than to handle it.
type inbound struct {
	net.Conn
	ahead *bufio.Reader

	// beforeRead is called when all that was received has been handled.
	beforeRead func()
	// quickAck has the next read acknowledged at once, or is nil. It has to be
	// called each time.
	quickAck func()
	opened   time.Time
	lastRead atomic.Int64 // nanoseconds since then: a clock that is set does not matter
}

func newInbound(conn net.Conn) *inbound {
	in := &inbound{Conn: conn, quickAck: quickAck(conn), opened: time.Now()}
	in.ahead = bufio.NewReaderSize(readerFunc(in.receive), readAhead)
	return in
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Read takes what was received, or waits for more.
func (in *inbound) Read(p []byte) (int, error) { return in.ahead.Read(p) }

// receive waits for what comes next.
func (in *inbound) receive(p []byte) (int, error) {
	if in.beforeRead != nil {
		in.beforeRead()
	}
	if in.quickAck != nil {
		in.quickAck()
	}
	n, err := in.Conn.Read(p)
	if n > 0 {
		in.lastRead.Store(int64(time.Since(in.opened)))
	}
	return n, err
}

// heard is when something came last. Any goroutine may ask.
func (in *inbound) heard() time.Time { return in.opened.Add(time.Duration(in.lastRead.Load())) }
