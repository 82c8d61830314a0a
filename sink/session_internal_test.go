package sink

import (
	"errors"
	"io"
	"log/slog"
	"net"
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
		TLS: tlsAuto, Window: 3, MaxStanzaBytes: minStanzaBytes,
		ConnectTimeout: time.Minute, PingInterval: time.Minute, StallTimeout: time.Minute, ReconnectMax: time.Minute,
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return room
}
