package setup

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/muc"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

const nsOwner = "http://jabber.org/protocol/muc#owner"

// room makes the room, if there is none, by entering it (XEP-0045, section
// 10.1). It may be locked until it is configured. To ask for the form would
// not do: ejabberd and jabberd2 make a room for anybody who asks.
func (j *job) room(ctx context.Context) (Line, error) {
	what := "room " + j.Worker.Room
	info, err := muc.Discover(ctx, j.admin, j.Worker.Room, "")
	switch {
	case err == nil && info.Has("muc_persistent"): // else it may be gone when it is needed
		return Line{Already, what + " exists"}, nil
	case err != nil && !refused(err, "item-not-found", "recipient-unavailable", "bad-request"): // the last is jabberd2's
		return Line{}, &sink.Error{Op: "find the " + what, Err: err}
	case j.DryRun:
		j.missing = true
		return Line{Would, what + " created"}, nil
	}
	if err := j.join(ctx); err != nil {
		return Line{}, err
	}
	if !j.occupant.created {
		return Line{Already, what + " exists"}, nil
	}
	return Line{Done, what + " created"}, nil
}

// join has the administrator enter the room.
func (j *job) join(ctx context.Context) error {
	o, err := enter(ctx, j.admin, j.Worker.Room, "setup-"+strings.ToLower(rand.Text()[:4]), j.Worker.RoomPassword)
	if err == nil {
		j.occupant = &o
	}
	return err
}

// made reports whether this run has made the room, which may be locked until it
// is configured.
func (j *job) made() bool { return j.occupant != nil && j.occupant.created }

// leave has the administrator leave the room again.
func (j *job) leave(ctx context.Context) error {
	if j.occupant == nil {
		return nil
	}
	return j.occupant.leave(ctx, j.admin)
}

// errHidden is what a dry run cannot see: it does not enter.
var errHidden = errors.New("the room answers occupants only")

// ask asks the room, if need be as an occupant: jabberd2 answers others with
// bad-request about the form, and feature-not-implemented about the members.
func (j *job) ask(ctx context.Context, kind, payload string) ([]byte, error) {
	raw, err := j.admin.Ask(ctx, kind, j.Worker.Room, payload)
	switch {
	case j.occupant != nil || !refused(err, "bad-request", "feature-not-implemented"):
		return raw, err
	case j.DryRun:
		return nil, errHidden
	}
	if joining := j.join(ctx); joining != nil {
		return nil, errors.Join(err, joining)
	}
	return j.admin.Ask(ctx, kind, j.Worker.Room, payload)
}

// form asks for the form by which an owner configures the room.
func (j *job) form(ctx context.Context) (form, error) {
	type answer struct {
		Query struct {
			Form *form `xml:"jabber:x:data x"`
		} `xml:"http://jabber.org/protocol/muc#owner query"`
	}
	result, err := wire.Result[answer](j.ask(ctx, "get", "<query xmlns='"+nsOwner+"'/>"))
	switch {
	case err != nil:
		return form{}, err
	case result.Query.Form == nil:
		return form{}, errors.New("the room has no form to configure it")
	}
	return *result.Query.Form, nil
}

// notOwner says what to do about a room that does not obey.
func (j *job) notOwner(err error) error {
	if err == nil {
		return nil
	}
	e := &sink.Error{Op: "configure " + j.Worker.Room, Err: err}
	if refused(err, "forbidden", "not-allowed") {
		e.Fix = "make XMPP_ADMIN_JID an owner of the room, or an administrator of the service"
	}
	return e
}

// configure fills in the form of the room, unless it is as it has to be.
func (j *job) configure(ctx context.Context) (Line, error) {
	what := "configuration of the room"
	if j.missing {
		return Line{Would, what}, nil
	}
	now, err := j.form(ctx)
	switch {
	case errors.Is(err, errHidden):
		return Line{Would, what + ", unless it is so"}, nil
	case err != nil:
		return Line{}, j.notOwner(err)
	}
	wanted, err := j.wanted(&now)
	if err != nil {
		return Line{}, j.notOwner(err)
	}
	changes := wanted.fill(&now)
	switch {
	case len(changes) == 0 && !j.made():
		return Line{Already, what}, nil
	case j.DryRun:
		return Line{Would, what + ": " + strings.Join(changes, ", ")}, nil
	}
	if _, err := j.ask(ctx, "set", "<query xmlns='"+nsOwner+"'>"+now.submit()+"</query>"); err != nil {
		return Line{}, j.notOwner(err)
	}
	changes, err = j.taken(ctx, wanted, changes)
	if len(changes) == 0 {
		return Line{Already, what + ", as far as the server takes it"}, err
	}
	return Line{Done, what + ": " + strings.Join(changes, ", ")}, err
}

// taken looks at what the room has made of the form, and returns the changes
// that it has made: some accept what has no effect. It is an error for what
// the operator asked for.
func (j *job) taken(ctx context.Context, wanted settings, changes []string) ([]string, error) {
	now, err := j.form(ctx)
	if err != nil {
		return nil, j.notOwner(err)
	}
	if lost := wanted.asked().fill(&now); len(lost) > 0 {
		return nil, &sink.Error{
			Op: "configure " + j.Worker.Room, Err: errors.New("the server accepts the form, but does not take " + strings.Join(lost, ", ")),
			Fix: "let the server's administrator allow it, or do not ask for it",
		}
	}
	left := wanted.visible().fill(&now)
	for _, change := range left {
		j.note("the server did not take %s", change)
	}
	return slices.DeleteFunc(changes, func(change string) bool { return slices.Contains(left, change) }), nil
}
