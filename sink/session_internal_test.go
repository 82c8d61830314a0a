package sink

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
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
		"it says why":  {"<stream:error><system-shutdown xmlns='" + nsStreamErrors + "'/></stream:error>", "server ended the stream: system-shutdown"},
		"it is silent": {"", "write stream: broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer func() { _ = theirs.Close() }()
				if tc.says != "" {
					go func() {
						<-time.After(lastWords / 2)
						_, _ = io.WriteString(theirs, tc.says)
					}()
				}
				began := time.Now()
				err := deafSession(t, ours).run(t.Context(), t.Context())
				if err == nil || err.Error() != tc.want {
					t.Errorf("the stay ended with %v, want %s", err, tc.want)
				}
				if took := time.Since(began); took > lastWords {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// A server that takes our seat may say why, or go down without a word. What the
// room bounces meanwhile says nothing of the messages.
func TestServerThatTookOurSeatIsHeardToTheEnd(t *testing.T) {
	const shuttingDown = "<x xmlns='http://jabber.org/protocol/muc#user'><status code='332'/></x>"
	const shutdown = "<stream:error><system-shutdown xmlns='" + nsStreamErrors + "'/></stream:error>"
	for name, tc := range map[string]struct {
		code, says string
		closes     bool
		end        ending
		want       string
	}{
		"without a word":                        {"", "", false, shutDown, errGone.Error()},
		"and says so":                           {"", shutdown, false, shutDown, "system-shutdown"},
		"its rooms shut down":                   {shuttingDown, "", false, parted, "the chat service is shutting down"},
		"its rooms shut down, and so does it":   {shuttingDown, shutdown, false, shutDown, "system-shutdown"},
		"its rooms shut down, and it is closed": {shuttingDown, "", true, shutDown, errClosed.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer func() { _ = theirs.Close() }()
				s := deafSession(t, ours)
				s.join()
				s.enter()
				unsettled := Message{Identity: "1", Done: func(r Result) { t.Errorf("the message is settled: %v", r) }}
				if err := s.box.submit(t.Context(), unsettled); err != nil {
					t.Fatal(err)
				}
				bounce := "<message type='error' from='" + s.room + "' id='" + s.box.ledger.minter.id("1") + "'>" +
					"<error type='modify'><policy-violation xmlns='" + nsStanzaErrors + "'/></error></message>"
				missing := "<iq type='error' from='" + s.occupant + "' id='" + s.askID + pingSuffix + "'/>"
				go func() {
					_, _ = io.WriteString(theirs, "<presence type='unavailable' from='"+s.occupant+"'>"+tc.code+"</presence>"+bounce+missing+tc.says)
					if tc.closes {
						_ = theirs.Close()
					}
				}()
				err := s.read()
				if err == nil || !strings.Contains(err.Error(), tc.want) || endingOf(err) != tc.end {
					t.Errorf("the stay ended with %v, %v, want %s, %v", err, endingOf(err), tc.want, tc.end)
				}
				s.box.flush()
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
		s.maxBytes = 10 * leastStanzaBytes
		s.box.attach(discard{}, s.room+"/me")
		long := Message{Identity: "1", Body: strings.Repeat("x", 4*leastStanzaBytes), Done: func(Result) {}}
		if err := s.box.submit(t.Context(), long); err != nil {
			t.Fatal(err)
		}
		s.box.detach(brokenOff, time.Now())
		go func() {
			_, _ = io.WriteString(theirs, "<stream:error><policy-violation xmlns='"+nsStreamErrors+"'/></stream:error>")
		}()
		if err := s.run(t.Context(), t.Context()); err == nil || s.blamed != 0 {
			t.Errorf("the stay ended with %v, and messages have %d bytes at most from now on", err, s.blamed)
		}
	})
}

// deafSession is a session over conn, at the point where it joins.
func deafSession(t *testing.T, conn net.Conn) *session {
	t.Helper()
	s := newStream(deafConn{conn})
	s.framer = wire.NewFramer(s, maxInbound)
	return quietRoom(t).newSession(s, identity{jid: "me@example.org/1"}, func() {})
}

// quietRoom is a room that logs nothing.
func quietRoom(t *testing.T) *Room {
	t.Helper()
	room, err := New(Config{
		JID: "me@example.org", Password: config.NewSecret("x"), IDKey: config.NewSecret("y"), Room: "room@muc.example.org",
		TLS: tlsAuto, MaxInFlight: 1, MaxStanzaBytes: minStanzaBytes,
		ConnectTimeout: time.Minute, PingInterval: time.Minute, StallTimeout: time.Minute, ReconnectMax: time.Minute,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return room
}
