package sink

import (
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// The questions of service discovery (XEP-0030).
const (
	nsInfo   = "http://jabber.org/protocol/disco#info"
	askInfo  = "<query xmlns='" + nsInfo + "'/>"
	askItems = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
)

// discoInfo is what an entity says of itself.
type discoInfo struct {
	Identities []struct {
		Category string `xml:"category,attr"`
		Type     string `xml:"type,attr"`
		Name     string `xml:"name,attr"`
	} `xml:"query>identity"`
	Features []struct {
		Var string `xml:"var,attr"`
	} `xml:"query>feature"`
	Fields []struct {
		Var    string   `xml:"var,attr"`
		Values []string `xml:"value"`
	} `xml:"query>x>field"`
}

// has reports whether the entity has the feature.
func (d *discoInfo) has(feature string) bool {
	for _, f := range d.Features {
		if f.Var == feature {
			return true
		}
	}
	return false
}

// field returns the first value of a field in the extended information
// (XEP-0128).
func (d *discoInfo) field(name string) string {
	for _, f := range d.Fields {
		if f.Var == name && len(f.Values) > 0 {
			return oneLine(f.Values[0])
		}
	}
	return ""
}

// isChat reports whether the entity is a chat service or a room.
func (d *discoInfo) isChat() bool {
	for _, i := range d.Identities {
		if i.Category == "conference" {
			return true
		}
	}
	return false
}

// rooms takes what a service says of itself: one that names what it is, and no
// chat service among that, may never answer a join.
func rooms(e wire.Element, service string) error {
	var info discoInfo
	if err := wire.Decode(e.Raw, &info); err != nil || info.isChat() || len(info.Identities) == 0 {
		return nil //nolint:nilerr // the answer to the join tells
	}
	return notChat(service)
}

// notChat says that the service in XMPP_ROOM is something else.
func notChat(service string) error {
	return &Error{Op: "join a room of " + service, Err: errNoRooms, Cure: serviceCure, Lasting: true}
}
