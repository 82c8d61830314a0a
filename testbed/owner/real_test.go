//go:build real

package owner_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
)

type start func(context.Context, testbed.Options) (*testbed.XMPP, error)

func TestRealOwner(t *testing.T) {
	for name, start := range map[string]start{
		"Prosody": testbed.Prosody, "ejabberd": testbed.Ejabberd, "jabberd2": testbed.Jabberd2,
	} {
		t.Run(name, func(t *testing.T) {
			server, err := start(t.Context(), testbed.Options{Dir: t.TempDir()})
			missing, ok := errors.AsType[*testbed.Missing](err)
			if ok && os.Getenv("CI") != "true" {
				t.Skip("not run, because ", missing)
			}
			must(t, err)
			t.Cleanup(func() { must(t, server.Kill()) })
			testOwner(t, server)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func login(t *testing.T, server *testbed.XMPP, account string) *owner.Owner {
	t.Helper()
	o, err := owner.Login(t.Context(), server, account, "alerts")
	must(t, err)
	t.Cleanup(o.Close)
	return o
}

// enters checks whether the account other may join the room, and leaves it.
func enters(t *testing.T, server *testbed.XMPP, password string, want bool) {
	t.Helper()
	const account = "other"
	guest := login(t, server, account)
	_, err := guest.Enter(t.Context(), account, password)
	if (err == nil) != want {
		t.Errorf("%s enters with password %q: %v", account, password, err)
	}
	if err == nil {
		must(t, guest.Leave(t.Context()))
	}
	guest.Close()
}

func testOwner(t *testing.T, server *testbed.XMPP) {
	ctx := t.Context()
	admin := login(t, server, "admin")
	other := "other@" + server.Domain
	must(t, admin.Create(ctx, owner.Room{History: 100}))
	enters(t, server, "", true)
	must(t, admin.Configure(ctx, owner.Room{Password: "secret"}))
	enters(t, server, "", false)
	enters(t, server, "secret", true)
	must(t, admin.Configure(ctx, owner.Room{MembersOnly: true}))
	enters(t, server, "", false)
	must(t, admin.Admit(ctx, other))
	enters(t, server, "", true)
	must(t, admin.Revoke(ctx, other))
	must(t, admin.Configure(ctx, owner.Room{Moderated: true}))
	enters(t, server, "", true)
	// ejabberd 23.01 remembers the roles in a moderated room, and lets who had
	// one in again in spite of a ban.
	must(t, admin.Configure(ctx, owner.Room{}))
	victim := login(t, server, "other")
	_, err := victim.Enter(ctx, "victim", "")
	must(t, err)
	must(t, admin.Ban(ctx, other))
	enters(t, server, "", false)
	must(t, admin.Unban(ctx, other))
	guest := login(t, server, "other")
	_, err = guest.Enter(ctx, "guest", "")
	must(t, err)
	must(t, admin.Voice(ctx, "guest"))
	must(t, admin.Mute(ctx, "guest"))
	must(t, admin.Kick(ctx, "guest"))
	must(t, admin.Destroy(ctx, "elsewhere@"+server.MUC))
	must(t, admin.Create(ctx, owner.Room{}))
	enters(t, server, "", true)
}
