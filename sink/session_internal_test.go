package sink

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// deafConn takes nothing, but can still be read.
type deafConn struct{ net.Conn }

var errDeaf = errors.New("broken pipe")

func (deafConn) Write([]byte) (int, error) { return 0, errDeaf }

func TestServerIsHeardAfterItTakesNothingMore(t *testing.T) {
	for name, tc := range map[string]struct {
		says string
		want string
	}{
		"it says why":  {"<stream:error><system-shutdown xmlns='" + string(conn.OfStream) + "'/></stream:error>", "stay connected: server ended the stream: system-shutdown: nothing to do, if the server comes back"},
		"it is silent": {"", "write stream: broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer func() { _ = theirs.Close() }()
				if tc.says != "" {
					go func() {
						<-time.After(time.Second / 2)
						_, _ = io.WriteString(theirs, tc.says)
					}()
				}
				began := time.Now()
				err := deafSession(t, ours).run(t.Context(), t.Context())
				if err == nil || err.Error() != tc.want {
					t.Errorf("the session ended with %v, want %s", err, tc.want)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A server that ends our presence may say why, or go down without a word. What the
// room bounces meanwhile says nothing of the messages.
func TestServerThatEndedOurPresenceIsHeardToTheEnd(t *testing.T) {
	const shuttingDown = "<x xmlns='http://jabber.org/protocol/muc#user'><status code='332'/></x>"
	const shutdown = "<stream:error><system-shutdown xmlns='" + string(conn.OfStream) + "'/></stream:error>"
	for name, tc := range map[string]struct {
		code, says string
		closes     bool
		end        outbox.Ending
		want       string
	}{
		"without a word":                        {"", "", false, outbox.ShutDown, muc.ErrGone.Error()},
		"and says so":                           {"", shutdown, false, outbox.ShutDown, "system-shutdown"},
		"its rooms shut down":                   {shuttingDown, "", false, outbox.SessionOver, "the chat service is shutting down"},
		"its rooms shut down, and so does it":   {shuttingDown, shutdown, false, outbox.ShutDown, "system-shutdown"},
		"its rooms shut down, and it is closed": {shuttingDown, "", true, outbox.ShutDown, conn.ErrClosed.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer func() { _ = theirs.Close() }()
				s := deafSession(t, ours)
				s.join()
				s.enter()
				unsettled := Message{Identity: "1", Done: func(Result) {}}
				if err := s.box.Submit(t.Context(), unsettled); err != nil {
					t.Fatal(err)
				}
				bounce := "<message type='error' from='" + s.occupant.room + "' id='" + s.ids.ID("1") + "'>" +
					"<error type='modify'><policy-violation xmlns='" + string(conn.OfStanza) + "'/></error></message>"
				go func() {
					_, _ = io.WriteString(theirs, "<presence type='unavailable' from='"+s.occupant.address+"'>"+tc.code+"</presence>"+bounce+tc.says)
					if tc.closes {
						_ = theirs.Close()
					}
				}()
				err := s.conn.Read(s.handle)
				err = endReason(s.gone, err)
				if err == nil || !strings.Contains(err.Error(), tc.want) || endingOf(err) != tc.end {
					t.Errorf("the session ended with %v, %v, want %s, %v", err, endingOf(err), tc.want, tc.end)
				}
				if s.box.Size() != 1 {
					t.Error("the message is settled")
				}
			})
		})
	}
}

// A server that ends the stream of who has sent nothing yet does not mean a
// message.
func TestNothingIsBlamedBeforeItIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer func() { _ = theirs.Close() }()
		s := deafSession(t, ours)
		s.format.maxBytes = 10 * outbox.LeastStanzaBytes
		s.box.Attach(discard{}, s.occupant.room+"/me")
		long := Message{Identity: "1", Body: strings.Repeat("x", 4*outbox.LeastStanzaBytes), Done: func(Result) {}}
		if err := s.box.Submit(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		s.box.Detach(outbox.BrokenOff)
		go func() {
			_, _ = io.WriteString(theirs, "<stream:error><policy-violation xmlns='"+string(conn.OfStream)+"'/></stream:error>")
		}()
		if err := s.run(t.Context(), t.Context()); err == nil || s.newLimit != 0 {
			t.Errorf("the session ended with %v, and messages have %d bytes at most from now on", err, s.newLimit)
		}
	})
}

type discard struct{}

func (discard) Post(string, outbox.Content) {}
func (discard) Send()                       {}

// deafSession is a session over a connection that takes nothing, at the point where
// it joins.
func deafSession(t *testing.T, c net.Conn) *session {
	t.Helper()
	return over(quietRoom(t), deafConn{c})
}
