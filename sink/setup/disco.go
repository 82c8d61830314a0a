package setup

import (
	"context"
	"errors"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// info is what an entity says of itself (XEP-0030, section 3).
type info struct {
	Features []struct {
		Var string `xml:"var,attr"`
	} `xml:"feature"`
}

func (i *info) has(feature string) bool {
	for _, f := range i.Features {
		if f.Var == feature {
			return true
		}
	}
	return false
}

func (j *job) info(ctx context.Context, to, node string) (info, error) {
	attribute := ""
	if node != "" {
		attribute = " node='" + node + "'"
	}
	raw, err := j.admin.Ask(ctx, "get", to, "<query xmlns='http://jabber.org/protocol/disco#info'"+attribute+"/>")
	if err != nil {
		return info{}, err
	}
	var result struct {
		Query info `xml:"http://jabber.org/protocol/disco#info query"`
	}
	err = wire.Decode(raw, &result)
	return result.Query, err
}

// rooms looks for the service of the rooms, which only the server's own
// configuration can make.
func (j *job) rooms(ctx context.Context) (Line, error) {
	found, err := j.info(ctx, j.service, "")
	if err == nil && !found.has("http://jabber.org/protocol/muc") {
		err = errors.New("it offers no chat rooms")
	}
	if err != nil {
		return Line{}, &sink.Error{
			Op: "find the service " + j.service, Err: err,
			Cure: "correct XMPP_ROOM, or switch rooms on (Prosody: Component \"" + j.service + "\" \"muc\"; ejabberd: mod_muc): docs/servers.md",
		}
	}
	return Line{Already, j.service + " offers rooms"}, nil
}
