//go:build real

package sink_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// habits says where a real server differs from what the suite expects. It is
// checked like everything else: what a server is said to be unable to do must
// fail, so that an exception goes when its reason has gone.
type habits struct {
	name  string
	start func(context.Context, testbed.Options) (*testbed.XMPP, error)
	// direct: it has a port for TLS from the first byte.
	direct bool
	// forgets: what restarts lose, beyond the history, which all lose.
	forgetsRooms bool
	// cannot names the cases that its rooms do not allow, with the reason.
	cannot map[string]string
	// stays: who loses membership in a members-only room is not put out.
	stays bool
	// disorder: its rooms do not keep the order, whatever one does.
	disorder bool
	// slow: there are only some cases in the short form.
	slow bool
	// small: a stanza of more than 64 KiB makes it read nothing more of its sender.
	small bool
	// silent: a join that it refuses is not answered.
	silent bool
}

func servers() []habits {
	return []habits{
		{name: "Prosody", start: testbed.Prosody, direct: true},
		{name: "ejabberd", start: testbed.Ejabberd, direct: true},
		{name: "ejabberd with LDAP", start: withDirectory, direct: true, slow: true},
		{name: "jabberd2", start: testbed.Jabberd2, direct: true, stays: true, small: true, slow: true},
		{
			name: "Vysper", start: testbed.Vysper, forgetsRooms: true, disorder: true, silent: true, slow: true,
			cannot: map[string]string{
				"ban":     "<iq type='set'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='notifier@xmpp.test' affiliation='outcast'/></query></iq> about an occupant is not answered",
				"revoke":  "<iq type='set'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='notifier@xmpp.test' affiliation='none'/></query></iq> about an occupant is not answered",
				"destroy": "<iq type='set'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq> is not answered and has no effect",
			},
		},
	}
}

// withDirectory starts an ejabberd whose accounts are those of an OpenLDAP.
func withDirectory(ctx context.Context, o testbed.Options) (*testbed.XMPP, error) {
	o.Directory = true
	return testbed.Ejabberd(ctx, o)
}

// TestRealRooms is the conformance suite: the room against every real server
// that can be had, all at once. What cannot is named at the end; with CI=true,
// where everything must be there, that is a failure. In its short form the slow
// servers run a part.
func TestRealRooms(t *testing.T) {
	missing := make(chan string, len(servers()))
	t.Run("on", func(t *testing.T) { // returns when all have ended
		for _, h := range servers() {
			t.Run(h.name, func(t *testing.T) {
				t.Parallel()
				server, err := h.start(t.Context(), testbed.Options{Dir: t.TempDir(), WebSocket: true})
				if gone, ok := errors.AsType[*testbed.Missing](err); ok {
					missing <- fmt.Sprintf("real %s: not run, because %s", gone.Server, gone.Why)
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					if t.Failed() {
						logged(t, server)
					}
					if err := server.Kill(); err != nil {
						t.Error(err)
					}
				})
				runCases(t, h, server)
			})
		}
	})
	close(missing)
	report(t, slices.Collect(all(missing)))
}

func runCases(t *testing.T, h habits, server *testbed.XMPP) {
	t.Helper()
	for _, c := range casesOf(server) {
		if !testing.Short() || !h.slow || c.quick {
			t.Run(c.name, func(t *testing.T) { c.run(newScene(t, h, server, c.name)) })
		}
	}
}

// logged shows the end of the server's log, which goes with its folder.
func logged(t *testing.T, server *testbed.XMPP) {
	t.Helper()
	text, err := os.ReadFile(server.Log())
	t.Logf("%s said last: %s %v", server, text[max(0, len(text)-8000):], err)
}

// all ranges over what a closed channel holds.
func all[T any](c <-chan T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for v := range c {
			if !yield(v) {
				return
			}
		}
	}
}

// casesOf adds the one for rooms that are served by a process of their own.
func casesOf(server *testbed.XMPP) []realCase {
	if server.Rooms == nil {
		return cases()
	}
	return append(cases(), realCase{name: "rooms restarted", run: roomsRestarted})
}

// report names what was not run, and the exceptions.
func report(t *testing.T, missing []string) {
	t.Helper()
	for _, h := range servers() {
		for _, what := range slices.Sorted(maps.Keys(h.cannot)) {
			t.Logf("exception: %s, %s: %s", h.name, what, h.cannot[what])
		}
	}
	if len(missing) == 0 {
		return
	}
	text := strings.Join(missing, "\n")
	t.Log(text)
	if os.Getenv("CI") == "true" {
		t.Error("with CI=true every real server must run:\n" + text)
	}
}
