package sink

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// mirror is a connection that keeps what is written.
type mirror struct {
	net.Conn
	wrote chan []byte // each write, to be given back
	spare chan []byte
}

func (m *mirror) Write(p []byte) (int, error) {
	m.wrote <- append((<-m.spare)[:0], p...)
	return len(p), nil
}

func (*mirror) SetWriteDeadline(time.Time) error { return nil }
func (*mirror) Close() error                     { return nil }

// TestAMessageAllocatesLittle holds the budget of one message on its way
// through the sink, all but TLS: submitted, written, reflected, settled. Here
// as there, the outbox is full and empties at once.
func TestAMessageAllocatesLittle(t *testing.T) {
	const inFlight, rounds = 20, 100
	r := quietRoom(t)
	r.box = outbox.New(inFlight, r.ids)
	m := &mirror{wrote: make(chan []byte, 1), spare: make(chan []byte, 1)}
	m.spare <- make([]byte, 0, 1<<20)
	s := over(r, m)
	s.phase, s.occupant.address, s.format.maxBytes = inRoom, r.cfg.Room+"/me", 65000
	// What it writes is what the room would reflect.
	s.format.head = []byte("<message from='" + s.occupant.address + "' type='groupchat' id='")
	r.box.Attach(s, s.occupant.address)
	go s.conn.Write(time.Minute)
	go r.box.Settle()
	defer s.conn.Fail(nil)
	defer r.box.Close()
	settled := make(chan struct{}, inFlight)
	message := Message{Body: strings.Repeat("300 bytes ", 30), Done: func(r Result) {
		if r.Outcome == Delivered {
			settled <- struct{}{}
		}
	}}
	identities := make([]string, inFlight*(rounds+1)) // AllocsPerRun runs once more
	for i := range identities {
		identities[i] = fmt.Sprint("notification ", i)
	}
	left := identities
	allocs := testing.AllocsPerRun(rounds, func() {
		for range inFlight {
			message.Identity, left = left[0], left[1:]
			if err := r.Submit(t.Context(), message); err != nil {
				t.Fatal(err)
			}
		}
		for n := inFlight; n > 0; {
			batch := <-m.wrote
			n -= reflect(t, s, batch)
			m.spare <- batch
			r.box.Flush()
		}
		for range inFlight {
			<-settled
		}
	})
	allocs /= inFlight
	if t.Logf("%.2f allocations", allocs); allocs > 4 {
		t.Errorf("%.2f allocations, want at most 4", allocs)
	}
}

// reflect hands the session what it has written, and counts the messages.
func reflect(t *testing.T, s *session, batch []byte) (n int) {
	t.Helper()
	for text := batch; len(text) > 0; n++ {
		end := bytes.Index(text, []byte(tail)) + len(tail)
		e, err := wire.Parse(text[:end])
		if err != nil {
			t.Fatal(err)
		}
		if err := s.message(e); err != nil {
			t.Fatal(err)
		}
		text = text[end:]
	}
	return n
}
