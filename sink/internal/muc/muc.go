// Package muc has the words of multi-user chat (XEP-0045): how a room is joined,
// what it says of occupants, why it refuses and what helps. It keeps no state.
package muc

import (
	"encoding/xml"
	"fmt"

	"gosrc.io/xmpp/stanza"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
)

// The kinds of conn.Error that a room adds.
const (
	KindBounced conn.Kind = "bounced"
	KindJoin    conn.Kind = "join"
	KindRemoved conn.Kind = "removed"
)

// Join asks to be an occupant of a room, with so many messages of its history.
func Join(occupant, id string, password config.Secret, history int) (string, error) {
	p := stanza.NewPresence(stanza.Attrs{To: occupant, Id: id})
	p.Extensions = append(p.Extensions, stanza.MucPresence{
		Password: password.Reveal(),
		History:  stanza.History{MaxStanzas: stanza.NewNullableInt(history)},
	})
	text, err := xml.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("encode the join: %w", err)
	}
	return "<presence><priority>-1</priority></presence>" + string(text), nil
}

// RemovedError says that the room removed us.
type RemovedError struct {
	// Code is the status code of XEP-0045, 15.6, like 307 for a kick; 0 if
	// the room was destroyed.
	Code int
	Why  string
}

func (e *RemovedError) Error() string { return e.Why }

// ErrGone is the end of our presence without a reason: the server ends it, as it
// ends the connection.
var ErrGone = &conn.End{Kind: conn.KindClosed, Text: "the server sent unavailable presence"}

// Cancel takes back the making of a room (XEP-0045, 10.1.2).
const Cancel = "<query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/></query>"

// MakePersistent configures a new room (XEP-0045, 10.1.3). Some services refuse a
// form with a field that they do not know, so it has no other.
const MakePersistent = "<query xmlns='http://jabber.org/protocol/muc#owner'>" +
	"<x xmlns='jabber:x:data' type='submit'>" +
	"<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#roomconfig</value></field>" +
	"<field var='muc#roomconfig_persistentroom'><value>1</value></field>" +
	"</x></query>"
