package sink

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// isUnknownHost reports whether it is the name that failed.
func isUnknownHost(err error) bool {
	_, unknown := errors.AsType[*net.DNSError](err)
	return unknown || errors.Is(err, errNoService)
}

// maxItems is how many of a server's services are asked what they are.
const maxItems = 20

// service looks whether the service in XMPP_ROOM has chat rooms, and which
// ones the server names.
func (in *inspection) service(s *stream) bool {
	_, service, _ := strings.Cut(in.cfg.Room, "@")
	info, err := discover(s, service)
	refused, said := errors.AsType[*Condition](err)
	switch {
	case err != nil && !said:
		in.fail(stepService, &Error{Op: "ask " + service + " what it is", Err: err})
		return false
	case said:
		cure, _ := joinCure(refused)
		in.fail(stepService, &Error{Op: "ask " + service + " what it is", Err: fmt.Errorf("%w%s", err, in.others(s)), Cure: cure})
		return false
	case !info.isChat() && len(info.Identities) > 0:
		in.fail(stepService, &Error{Op: "join a room of " + service, Err: fmt.Errorf("%w%s", errNoRooms, in.others(s)), Cure: serviceCure})
		return false
	}
	in.ok(stepService, service+" has chat rooms")
	return true
}

// others says where the server has chat rooms, for an error.
func (in *inspection) others(s *stream) string {
	domain := in.account.domain
	frame, err := request(s, domain, "items", askItems)
	if err != nil {
		return ""
	}
	var items struct {
		Items []struct {
			JID string `xml:"jid,attr"`
		} `xml:"query>item"`
	}
	if wire.Decode(frame, &items) != nil {
		return ""
	}
	var found []string
	for _, item := range items.Items[:min(len(items.Items), maxItems)] {
		if info, err := discover(s, item.JID); err == nil && info.isChat() {
			found = append(found, oneLine(item.JID))
		}
	}
	if len(found) == 0 {
		return "; " + domain + " names no chat service"
	}
	return fmt.Sprintf("; the chat service of %s is %.200s", domain, strings.Join(found, ", "))
}

// discover asks what an entity is.
func discover(s *stream, jid string) (discoInfo, error) {
	var info discoInfo
	frame, err := request(s, jid, "info", askInfo)
	if err != nil {
		return info, err
	}
	return info, wire.Decode(frame, &info)
}

// describe looks at the room from outside.
func (in *inspection) describe(s *stream) bool {
	info, err := discover(s, in.cfg.Room)
	refused, said := errors.AsType[*Condition](err)
	switch {
	case err != nil && !said:
		in.fail(stepRoom, &Error{Op: "ask " + in.cfg.Room + " what it is", Err: err})
		return false
	case said && (refused.Name == "item-not-found" || refused.Name == "gone"):
		return in.missing(refused)
	case said: // some rooms tell nothing to strangers
		in.ok(stepRoom, "tells nothing about itself: "+refused.Error())
		return true
	}
	in.info = info
	if info.has("muc_temporary") {
		in.warn(stepRoom, in.traits()+"; it is gone when its last occupant leaves", "make the room persistent")
	} else {
		in.ok(stepRoom, in.traits())
	}
	return true
}

// missing says that there is no room, yet or any more.
func (in *inspection) missing(c *Condition) bool {
	if in.cfg.RoomCreate && c.Name != "gone" {
		in.warn(stepRoom, "the room does not exist", "the worker will create it, because XMPP_ROOM_CREATE=true")
		return false
	}
	err := notCreated(in.cfg.Room)
	if c.Name == "gone" {
		cure, _ := joinCure(c)
		err = &Error{Op: "join " + in.cfg.Room, Err: c, Cure: cure}
	}
	in.fail(stepRoom, err)
	return false
}

// traits are what the room says of itself (XEP-0045, 15.3 and 15.5).
func (in *inspection) traits() string {
	var list []string
	for _, t := range []struct{ feature, yes, no string }{
		{"muc_passwordprotected", "password", ""},
		{"muc_membersonly", "members only", "open"},
		{"muc_moderated", "moderated", ""},
		{"muc_persistent", "persistent", ""},
		{"muc_temporary", "temporary", ""},
		{nsArchive, "archive", "no archive"},
		{"http://jabber.org/protocol/muc#stable_id", "stable ids", ""},
	} {
		if in.info.has(t.feature) {
			list = append(list, t.yes)
		} else if t.no != "" {
			list = append(list, t.no)
		}
	}
	if n := in.info.field("muc#roominfo_occupants"); n != "" {
		list = append(list, n+" occupants")
	}
	return in.cfg.Room + ": " + strings.Join(list, ", ")
}

// visit takes a seat in the room.
func (in *inspection) visit(ctx context.Context, stream *stream, id identity) {
	setup, cancel := context.WithTimeoutCause(ctx, in.cfg.ConnectTimeout,
		fmt.Errorf("not in the room within XMPP_CONNECT_TIMEOUT=%s", in.cfg.ConnectTimeout))
	defer cancel()
	stay, leave := context.WithCancel(ctx)
	joined := make(chan struct{})
	s := in.newSession(stream, id, func() { close(joined) })
	var running sync.WaitGroup
	var end error
	running.Go(func() { end = causeOr(setup, s.run(stay, setup)) })
	defer running.Wait()
	defer in.box.close()
	defer leave()
	select {
	case <-joined:
		if in.seated(s) {
			in.probe(ctx, s)
		}
	case <-s.ended:
		running.Wait()
		in.fail(stepJoin, end)
	}
}

// seated looks at our seat.
func (in *inspection) seated(s *session) bool {
	in.ok(stepJoin, fmt.Sprintf("in the room as %s, role %s, affiliation %s", s.occupant, known(s.role), known(s.affiliation)))
	if s.nick == nickOf(&in.cfg) {
		in.ok(stepNick, s.nick+" is ours")
	} else {
		in.warn(stepNick, fmt.Sprintf("%s is taken, in the room as %s", nickOf(&in.cfg), s.nick), nickCure)
	}
	if s.role == roleVisitor {
		in.fail(stepVoice, s.mute())
		return false
	}
	in.ok(stepVoice, "may post messages of "+strconv.Itoa(s.maxBytes)+" bytes")
	in.memory(s)
	return true
}

func known(word string) string {
	if word == "" {
		return "not told"
	}
	return word
}

// memory reports on what the room can tell after an interruption.
func (in *inspection) memory(s *session) {
	longest, err := strconv.Atoi(in.info.field("muc#maxhistoryfetch"))
	switch {
	case s.catchup.archive:
		in.ok(stepMemory, "archive")
	case err == nil && longest < in.cfg.MaxInFlight:
		in.warn(stepMemory, fmt.Sprintf("the room's history is %d messages, shorter than XMPP_MAX_IN_FLIGHT=%d", longest, in.cfg.MaxInFlight),
			"let the room keep more, or lower XMPP_MAX_IN_FLIGHT")
	case s.catchup.replayed == 0:
		in.warn(stepMemory, "no history seen: the room is new, or keeps none, and then what is on its way when the connection breaks may be shown twice",
			"let the room keep at least "+strconv.Itoa(in.cfg.MaxInFlight)+" messages, or an archive")
	default:
		in.ok(stepMemory, s.memory())
	}
}

// probe posts what was asked for.
func (in *inspection) probe(ctx context.Context, s *session) {
	if in.probes.RoundTrip {
		took, err := in.burst(ctx, s, 1, 0)
		if err != nil {
			in.fail(stepRoundTrip, err)
			return
		}
		in.ok(stepRoundTrip, "shown after "+took.String())
	}
	if in.probes.Throttle {
		in.throttle(ctx, s)
	}
}
