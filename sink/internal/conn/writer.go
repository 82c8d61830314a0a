package conn

import (
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// How many bytes of answers we owe in one batch: to other occupants, and to all.
// Beyond it they are dropped, because what we have to say waits behind them, on a
// throttled server for long. Messages are bounded by what may be in flight.
const (
	maxToOthers = 2 << 10
	maxAnswers  = 16 << 10
)

// maxSpare is the largest buffer that is kept for the next batch.
const maxSpare = 1 << 20

// maxPiece is how many bytes are written at once: a TLS record. Each must be
// taken within the timeout, however long a throttled server needs for a batch.
const maxPiece = 16 << 10

// writer sends what is appended to it, in order, many stanzas in one write.
type writer struct {
	wake chan struct{} // capacity 1

	mu      sync.Mutex
	pending []byte
	answers int // bytes of answers in it
	spare   []byte
}

func newWriter() *writer { return &writer{wake: make(chan struct{}, 1)} }

// add lets add write to the buffer. It does not block on the network.
func (w *writer) add(add func([]byte) []byte) {
	w.mu.Lock()
	w.pending = add(w.pending)
	w.mu.Unlock()
}

// append is add, and has it written.
func (w *writer) append(add func([]byte) []byte) {
	w.add(add)
	w.signal()
}

// text appends a rare stanza.
func (w *writer) text(s string) {
	w.append(func(b []byte) []byte { return append(b, s...) })
}

// answer appends the answer to somebody's request, unless that is more than we owe.
func (w *writer) answer(s string, most int) {
	w.append(func(b []byte) []byte {
		if w.answers+len(s) > most {
			return b
		}
		w.answers += len(s)
		return append(b, s...)
	})
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run writes until stop is closed, a write fails, or a piece takes too long.
func (w *writer) run(conn net.Conn, timeout time.Duration, stop <-chan struct{}) error {
	for {
		select {
		case <-w.wake:
		case <-stop:
			return nil
		}
		batch := w.take()
		if len(batch) == 0 {
			continue
		}
		for piece := range slices.Chunk(batch, maxPiece) {
			_ = conn.SetWriteDeadline(time.Now().Add(timeout))
			if _, err := conn.Write(piece); err != nil {
				return fmt.Errorf("write stream: %w", err)
			}
		}
		w.reuse(batch)
	}
}

func (w *writer) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	batch := w.pending
	w.pending, w.spare, w.answers = w.spare[:0], nil, 0
	return batch
}

// reuse takes the buffer back for the next batch, unless it has become large.
func (w *writer) reuse(batch []byte) {
	if cap(batch) > maxSpare {
		return
	}
	w.mu.Lock()
	w.spare = batch
	w.mu.Unlock()
}
