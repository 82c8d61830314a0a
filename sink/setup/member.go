package setup

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const nsAdmin = "http://jabber.org/protocol/muc#admin"

// membership makes the worker's account a member (XEP-0045, section 9.3): it
// may then enter a room for members, and speak in a moderated one.
func (j *job) membership(ctx context.Context) (Line, error) {
	what := j.Worker.JID + " member of the room"
	if j.missing {
		return Line{Would, what}, nil
	}
	line, err := j.admit(ctx, what)
	switch {
	case errors.Is(err, errHidden):
		return Line{Would, what + ", unless it is one"}, nil
	case err != nil:
		return Line{}, err
	}
	return line, j.leave(ctx)
}

// admit makes the account a member, unless it is on a list.
func (j *job) admit(ctx context.Context, what string) (Line, error) {
	for _, affiliation := range []string{"member", "admin", "owner", "outcast"} {
		listed, err := j.listed(ctx, affiliation)
		switch {
		case err != nil:
			return Line{}, j.notOwner(err)
		case listed && affiliation == "outcast":
			return Line{}, &sink.Error{Op: "make " + what, Err: errors.New("the account is banned"), Fix: "lift the ban, if it was a mistake"}
		case listed:
			return Line{Already, j.Worker.JID + " " + affiliation + " of the room"}, nil
		}
	}
	if j.DryRun {
		return Line{Would, what}, nil
	}
	err := j.makeMember(ctx, "")
	if refused(err, "conflict") { // the room admits only those with a reserved nickname (section 7.10)
		err = j.makeMember(ctx, " nick='"+wire.Escape(cmp.Or(j.Worker.Nick, j.local))+"'")
	}
	return Line{Done, what}, j.notOwner(err)
}

func (j *job) makeMember(ctx context.Context, nick string) error {
	_, err := j.ask(ctx, "set", "<query xmlns='"+nsAdmin+"'><item affiliation='member' jid='"+wire.Escape(j.Worker.JID)+"'"+nick+"/></query>")
	return err
}

// listed reports whether the room has the worker's account on one of its lists
// (section 9.5).
func (j *job) listed(ctx context.Context, affiliation string) (bool, error) {
	type item struct {
		JID string `xml:"jid,attr"`
	}
	type list struct {
		Items []item `xml:"query>item"`
	}
	found, err := wire.Result[list](j.ask(ctx, "get", "<query xmlns='"+nsAdmin+"'><item affiliation='"+affiliation+"'/></query>"))
	return slices.ContainsFunc(found.Items, func(one item) bool { return strings.EqualFold(one.JID, j.Worker.JID) }), err
}
