package muc

import (
	"context"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// NSArchive is the feature of a room that has an archive (XEP-0313).
const NSArchive = "urn:xmpp:mam:2"

// NSOccupantID is the feature of a room that says of every stanza by its account who
// it is from (XEP-0421).
const NSOccupantID = "urn:xmpp:occupant-id:0"

// Moderated is the feature of a room that shows only what occupants with a voice post.
const Moderated = "muc_moderated"

// The questions of service discovery (XEP-0030).
const (
	NSInfo   = "http://jabber.org/protocol/disco#info"
	AskInfo  = "<query xmlns='" + NSInfo + "'/>"
	AskItems = "<query xmlns='http://jabber.org/protocol/disco#items'/>"
)

// Info is what an entity says of itself.
type Info struct {
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

// Has reports whether the entity has the feature.
func (d *Info) Has(feature string) bool {
	for _, f := range d.Features {
		if f.Var == feature {
			return true
		}
	}
	return false
}

// Field returns the first value of a field in the extended information
// (XEP-0128).
func (d *Info) Field(name string) string {
	for _, f := range d.Fields {
		if f.Var == name && len(f.Values) > 0 {
			return conn.OneLine(f.Values[0])
		}
	}
	return ""
}

// IsChat reports whether the entity is a chat service or a room.
func (d *Info) IsChat() bool {
	for _, i := range d.Identities {
		if i.Category == "conference" {
			return true
		}
	}
	return false
}

// Discover asks an entity, or a node of it if that is not empty, what it is and
// can do.
func Discover(ctx context.Context, c *conn.Client, to, node string) (Info, error) {
	question := AskInfo
	if node != "" {
		question = "<query xmlns='" + NSInfo + "' node='" + wire.Escape(node) + "'/>"
	}
	return wire.Result[Info](c.Ask(ctx, "get", to, question))
}
