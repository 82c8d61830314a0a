package setup

import (
	"context"
	"errors"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
)

// rooms looks for the service of the rooms, which only the server's own
// configuration can make.
func (j *job) rooms(ctx context.Context) (Line, error) {
	found, err := muc.Discover(ctx, j.admin, j.service, "")
	if err == nil && !found.Has("http://jabber.org/protocol/muc") {
		err = errors.New("it offers no chat rooms")
	}
	if err != nil {
		return Line{}, &sink.Error{
			Op: "find the service " + j.service, Err: err,
			Fix: "correct XMPP_ROOM, or switch rooms on (Prosody: Component \"" + j.service + "\" \"muc\"; ejabberd: mod_muc): docs/servers.md",
		}
	}
	return Line{Already, j.service + " offers rooms"}, nil
}
