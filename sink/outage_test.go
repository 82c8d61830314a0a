package sink_test

import (
	"context"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// door is a dialer that lets the first connection through, and later ones when it is
// open.
type door struct {
	open chan struct{}
	used bool
}

func (d *door) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if d.used {
		select {
		case <-d.open:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	d.used = true
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// openAnnouncing opens a room that says after an outage how it was.
func openAnnouncing(t *testing.T, cfg sink.Config, outages chan<- sink.Outage) (*client, *door) {
	t.Helper()
	d := &door{open: make(chan struct{})}
	return openPrepared(t, cfg, d.dial, func(r *sink.Room) {
		r.AnnounceOutages(func(o sink.Outage) string {
			outages <- o
			return "back"
		})
	}), d
}

// Two workers live through the same outage. The first to return says so before all that
// waits, and the other leaves it at that.
func TestAnOutageIsAnnouncedOnceAndFirst(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	outages := make(chan sink.Outage, 9)
	cfg := settings(t, srv)
	first, firstDoor := openAnnouncing(t, cfg, outages)
	cfg.Nick = "second"
	second, secondDoor := openAnnouncing(t, cfg, outages)
	second.joined()
	first.post(0, 1)
	first.delivered(1)

	srv.CloseStreams() // after what the room has shown
	first.awaitOutside()
	second.awaitOutside()
	first.post(1, 3)
	second.post(3, 4)
	close(firstDoor.open)
	first.delivered(3)
	close(secondDoor.open)
	second.delivered(1)
	want := []string{"message 0", "back", "message 1", "message 2", "message 3"}
	if got := shown(srv); !slices.Equal(got, want) {
		t.Errorf("the room has shown %q, want %q", got, want)
	}
	o := <-outages
	if o.Why() != "the server ended the session" || o.From.IsZero() || !o.To.After(o.From) || time.Since(o.From) > patience {
		t.Errorf("got %+v", o)
	}
}

// What was said of an outage is not sent again when the connection breaks before the room
// has shown it.
func TestAnAnnouncementIsNotSentAgain(t *testing.T) {
	srv := startServer(t, sinktest.Config{})
	outages := make(chan sink.Outage, 9)
	c, door := openAnnouncing(t, settings(t, srv), outages)
	close(door.open)
	c.joined()
	c.post(0, 1)
	c.delivered(1)
	srv.LoseMatching(func(p sinktest.Post) bool { return p.Body == "back" })
	srv.DropConnections()
	<-outages
	c.joined()
	srv.DropConnections()
	<-outages
	c.post(1, 2)
	c.delivered(2)
	checkShown(t, srv, bodies(2))
}

// awaitOutside waits until the client knows that it is not in the room.
func (c *client) awaitOutside() {
	c.t.Helper()
	for begin := time.Now(); ; {
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Millisecond)
		err := c.Joined(ctx)
		cancel()
		if err != nil {
			return
		}
		if time.Since(begin) > patience {
			c.t.Fatal("still in the room")
		}
	}
}
