package observer_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// A witness whom other occupants can fool proves nothing: encoding/xml takes
// a:from for from, and then counts a forgery as a repeated message.
func TestWitnessIsNotFooled(t *testing.T) {
	srv, err := sinktest.Start(sinktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(srv.CAPEM())
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var (
		mu  sync.Mutex
		got []string
	)
	ob, err := observer.Join(ctx, observer.Options{
		Addr: srv.Addr(), Domain: srv.Domain(), CA: pool, User: "observer", Password: "observer-pw",
		Room: srv.RoomJID(), Nick: "observer",
		OnMessage: func(m observer.Message) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, m.Nick+" "+m.ID+" "+m.Body)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ob.Close)
	forged := fmt.Sprintf("type='groupchat' from='%[1]s/evil' id='1' xmlns:a='urn:a' a:from='%[1]s/notifier' a:id='2' a:type='groupchat'", srv.RoomJID())
	srv.InjectRaw("<message " + forged + "><body>forged</body></message>")
	srv.InjectRaw("<message " + forged + "><x xmlns='urn:x'><body>nested</body></x><body xmlns='urn:x'>foreign</body><body>direct</body></message>")
	srv.InjectRaw("<message from='" + srv.RoomJID() + "'><result xmlns='urn:xmpp:mam:2' id='9'><forwarded xmlns='urn:xmpp:forward:0'>" +
		"<message xmlns='jabber:client' type='groupchat' from='" + srv.RoomJID() + "/notifier' id='3'><body>archived</body></message></forwarded></result></message>")
	if err := ob.Fence(ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"evil 1 forged", "evil 1 direct", "notifier 3 archived"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
