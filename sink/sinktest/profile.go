package sinktest

// Profile holds the habits in which servers differ. The zero value is Prosody 0.12.
type Profile struct {
	BareRoomPresence     bool // a join is answered first by a presence of the bare room address
	NeedsInitialPresence bool // room presence is withheld from a session that sent no initial presence
	OneSessionPerNick    bool // a second session of the same account gets a conflict
	RenamesOnConflict    bool // a taken nickname becomes NICK_1 with status 210 instead of a conflict
	NoSubject            bool // the end of history is not marked; the room says its name instead
	NoRoomName           bool // with NoSubject: it does not even say that
	NoCreated            bool // a join that creates the room does not say so (status 201), and the room is open
	SilentRefusals       bool // a refused join is not answered
	NoPresenceIDs        bool // presences do not carry the id of what they answer
	StatusInMUC          bool // status codes are in the namespace of joins, not in that of muc#user

	IDs           IDPolicy // what a reflection keeps of the sender's id
	OnlyBody      bool     // a reflection keeps the body and subject and drops every other element
	StanzaIDs     bool     // a reflection carries a <stanza-id/> of the room
	NoOccupantIDs bool     // stanzas do not tell by an id which are of one account (XEP-0421)
	DelayFirst    bool     // history carries <delay/> before the body, not after it
	DelayOccupant bool     // the <delay/> names the occupant, not the room
	LegacyDelay   bool     // history carries jabber:x:delay as well

	NotJoined       StanzaError // the answer to a message of somebody outside; default cancel, not-acceptable
	NoRoom          StanzaError // the answer to a message to a room that does not exist; default cancel, item-not-found
	EchoesErrors    bool        // error stanzas carry the children of the stanza in question
	RoutesSelfPing  bool        // a ping to one's own nickname comes back to oneself
	AnswersAnyPing  bool        // the server answers every ping itself, also to rooms and to absent occupants
	HistoryLags     bool        // answers overtake the history, which comes with what others send next
	SilentDestroy   bool        // the presence about a destroyed room lacks status 110
	SilentShutdown  bool        // so do the presences of rooms that shut down; before them, posts bounce
	RecreatesRoom   bool        // joining a destroyed room creates it again (status 201)
	OpensNewRoom    bool        // others can join a new room before its owner has configured it
	SilentSuspend   bool        // a suspended room does not answer at all
	SilentOversize  bool        // after an oversized stanza the session neither reads nor writes, and is not closed
	MuteRoom        bool        // the room answers no IQ at all
	OccupantsOnly   bool        // who is outside is told neither the configuration nor the members
	SessionRequired bool        // the session IQ of RFC 3921 is announced as required
}

// IDPolicy says what a reflection keeps of the sender's id.
type IDPolicy int

const (
	// KeepIDs reflects the id that was sent, as XEP-0045 asks with muc#stable_id.
	KeepIDs IDPolicy = iota
	// ReplaceIDs reflects an id of the room's own making.
	ReplaceIDs
	// DropIDs reflects no id.
	DropIDs
)

// Prosody is the profile of Prosody 0.12, and the default.
func Prosody() Profile { return Profile{} }

// Ejabberd is the profile of ejabberd 23.01.
func Ejabberd() Profile {
	return Profile{
		BareRoomPresence: true,
		NoOccupantIDs:    true,
		DelayFirst:       true,
		NotJoined:        StanzaError{Type: "modify", Condition: "not-acceptable"},
		EchoesErrors:     true,
		SilentDestroy:    true,
		RecreatesRoom:    true,
		OpensNewRoom:     true,
	}
}

// Jabberd2 is the profile of jabberd2 2.7 with mu-conference 0.8.
// Its login wants Config.Mechanisms PLAIN, its stanza limit is 65408 bytes, its history 40.
func Jabberd2() Profile {
	return Profile{
		NeedsInitialPresence: true,
		OneSessionPerNick:    true,
		NoOccupantIDs:        true,
		NoSubject:            true,
		LegacyDelay:          true,
		NotJoined:            StanzaError{Type: "cancel", Condition: "not-allowed"},
		EchoesErrors:         true,
		RoutesSelfPing:       true,
		SilentDestroy:        true,
		RecreatesRoom:        true,
		SilentSuspend:        true,
		OccupantsOnly:        true,
		SilentOversize:       true,
	}
}

// Openfire is the profile of Openfire 4.7.5 and 5.1.1, which were run by hand.
// Its limit for stanzas is 1 MiB and announced (Config.MaxStanzaBytes,
// AdvertiseLimits), its history 25, and the archive a plugin.
func Openfire() Profile {
	return Profile{
		StanzaIDs:      true,
		NoOccupantIDs:  true,
		DelayOccupant:  true,
		NotJoined:      StanzaError{Type: "modify", Condition: "not-acceptable"},
		NoRoom:         StanzaError{Type: "wait", Condition: "recipient-unavailable"},
		EchoesErrors:   true,
		RecreatesRoom:  true,
		SilentDestroy:  true,
		SilentShutdown: true,
	}
}

// Vysper is the profile of Apache Vysper 0.7, but for the order of stanzas,
// which Vysper does not keep. Its login wants Config.Mechanisms PLAIN.
func Vysper() Profile {
	return Profile{
		NoSubject:         true,
		NoOccupantIDs:     true,
		NoRoomName:        true,
		NoCreated:         true,
		SilentRefusals:    true,
		NoPresenceIDs:     true,
		StatusInMUC:       true,
		OneSessionPerNick: true,
		RenamesOnConflict: true,
		DelayOccupant:     true,
		NotJoined:         StanzaError{Type: "modify", Condition: "not-acceptable"},
		EchoesErrors:      true,
		RecreatesRoom:     true,
		AnswersAnyPing:    true,
		HistoryLags:       true,
		SessionRequired:   true,
	}
}

// Unstable is the profile of a server that knows nothing of stable ids: they
// are replaced, and everything but the text is dropped from reflections.
func Unstable() Profile {
	return Profile{IDs: ReplaceIDs, OnlyBody: true, StanzaIDs: true, NoOccupantIDs: true}
}
