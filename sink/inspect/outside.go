package inspect

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// maxItems is how many of a server's services are asked what they are.
const maxItems = 20

// service looks whether the service in XMPP_ROOM has chat rooms, and which ones the
// server names.
func (in *inspection) service(ctx context.Context, c *conn.Client) bool {
	_, service, _ := strings.Cut(in.cfg.Room, "@")
	info, err := muc.Discover(ctx, c, service, "")
	_, said := errors.AsType[*sink.Condition](err)
	switch {
	case err != nil && !said:
		return in.fail(stepService, &sink.Error{Op: "ask " + service + " what it is", Err: err})
	case err == nil && !info.IsChat() && len(info.Identities) > 0:
		err = muc.ErrNoRooms
	}
	if err != nil {
		return in.fail(stepService, muc.NotChat(service, fmt.Errorf("%w%s", err, in.others(ctx, c))))
	}
	return in.ok(stepService, service+" has chat rooms")
}

// others says where the server has chat rooms, for an error.
func (in *inspection) others(ctx context.Context, c *conn.Client) string {
	_, domain, _ := strings.Cut(in.cfg.JID, "@")
	type services struct {
		Items []struct {
			JID string `xml:"jid,attr"`
		} `xml:"query>item"`
	}
	items, err := wire.Result[services](c.Ask(ctx, "get", domain, muc.AskItems))
	if err != nil {
		return ""
	}
	var found []string
	for _, item := range items.Items[:min(len(items.Items), maxItems)] {
		if info, err := muc.Discover(ctx, c, item.JID, ""); err == nil && info.IsChat() {
			found = append(found, conn.OneLine(item.JID))
		}
	}
	if len(found) == 0 {
		return "; " + domain + " names no chat service"
	}
	return fmt.Sprintf("; the chat service of %s is %.200s", domain, strings.Join(found, ", "))
}

// room looks at the room from outside.
func (in *inspection) room(ctx context.Context, c *conn.Client) bool {
	info, err := muc.Discover(ctx, c, in.cfg.Room, "")
	refused, said := errors.AsType[*sink.Condition](err)
	switch {
	case err != nil && !said:
		return in.fail(stepRoom, &sink.Error{Op: "ask " + in.cfg.Room + " what it is", Err: err})
	case said && (refused.Name == "item-not-found" || refused.Name == "gone"):
		return in.missing(refused)
	case said: // some rooms tell nothing to strangers
		return in.ok(stepRoom, "tells nothing about itself: "+refused.Error())
	}
	in.info = info
	if info.Has("muc_temporary") {
		return in.warn(stepRoom, in.traits()+"; it is gone when its last occupant leaves", "make the room persistent")
	}
	return in.ok(stepRoom, in.traits())
}

// missing says that there is no room, yet or any more.
func (in *inspection) missing(c *sink.Condition) bool {
	switch {
	case c.Name == "gone":
		in.fail(stepRoom, muc.JoinError("join "+in.cfg.Room, c))
	case in.cfg.RoomCreate:
		in.warn(stepRoom, "the room does not exist", "the worker will create it, because XMPP_ROOM_CREATE=true")
	default:
		in.fail(stepRoom, muc.NotCreated(in.cfg.Room))
	}
	return false
}

// traits are what the room says of itself (XEP-0045, 15.3 and 15.5).
func (in *inspection) traits() string {
	var list []string
	for _, t := range []struct{ feature, yes, no string }{
		{"muc_passwordprotected", "password", ""},
		{"muc_membersonly", "members only", "open"},
		{muc.Moderated, "moderated", ""},
		{"muc_persistent", "persistent", ""},
		{"muc_temporary", "temporary", ""},
		{muc.NSArchive, "archive", "no archive"},
		{"http://jabber.org/protocol/muc#stable_id", "stable ids", ""},
	} {
		if in.info.Has(t.feature) {
			list = append(list, t.yes)
		} else if t.no != "" {
			list = append(list, t.no)
		}
	}
	if n := in.info.Field("muc#roominfo_occupants"); n != "" {
		list = append(list, n+" occupants")
	}
	return in.cfg.Room + ": " + strings.Join(list, ", ")
}
