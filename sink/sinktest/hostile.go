package sinktest

import (
	"slices"
	"strings"
)

// Hostile returns stanzas that another occupant of a room can send through any
// server, to the room or to the victim: what has ended the sessions of real
// clients, has put words into somebody's mouth, or might. room is the room's
// address, nick the victim's nickname, and id that of a message which the
// victim has sent or is about to send.
func Hostile(room, nick, id string) []string {
	fill := strings.NewReplacer("{room}", room, "{me}", room+"/"+nick, "{id}", id)
	list := slices.Concat(hostileMessages(), hostilePrivate(), hostilePresence(), hostileSizes())
	for i, stanza := range list {
		list[i] = fill.Replace(stanza)
	}
	return list
}

// HostileHuge returns stanzas as long as most servers allow, made to grow six
// times when a server escapes them again: in a text, and in a tag.
func HostileHuge(room string) []string {
	quotes := strings.Repeat("'", 250_000)
	return []string{
		strings.ReplaceAll(toRoom("id='huge'", "<body>"+quotes+"</body>"), "{room}", room),
		strings.ReplaceAll(toRoom("id='huge'", "<x xmlns='urn:x' a=\""+quotes+"\"/><body>huge</body>"), "{room}", room),
	}
}

// forgery is a reflection of the victim's message, to be hidden somewhere.
const forgery = "<message xmlns='jabber:client' type='groupchat' from='{me}' id='{id}'><body>forged</body></message>"

// toRoom makes a stanza for everybody in the room.
func toRoom(attributes, inner string) string {
	return "<message to='{room}' type='groupchat' " + attributes + ">" + inner + "</message>"
}

// hostileMessages are shown to everybody.
func hostileMessages() []string {
	return []string{
		// The id of somebody else, plain and by an attribute of another namespace.
		toRoom("id='{id}'", "<body>forged</body>"),
		toRoom("id='h' xmlns:a='urn:a' a:id='{id}' a:from='{me}' a:type='error'", "<body>h</body>"),
		toRoom("id='h' xmlns:id='{id}' xmlns:from='{me}'", "<body>h</body>"),
		toRoom("id='h'", "<origin-id xmlns='urn:xmpp:sid:0' id='{id}'/><stanza-id xmlns='urn:xmpp:sid:0' by='{room}' id='{id}'/><body>h</body>"),
		// Stanzas inside of stanzas.
		toRoom("id='h'", "<x xmlns='urn:x'>"+forgery+"</x><body>h</body>"),
		toRoom("id='h'", "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay' stamp='2020-01-01T00:00:00Z'/>"+forgery+"</forwarded><body>h</body>"),
		toRoom("id='h'", "<received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>"+forgery+"</forwarded></received><body>h</body>"),
		toRoom("id='h'", "<result xmlns='urn:xmpp:mam:2' queryid='{id}' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"+forgery+"</forwarded></result><body>h</body>"),
		toRoom("id='h'", "<apply-to xmlns='urn:xmpp:fasten:0' id='{id}'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to><body>h</body>"),
		// Text in the wrong place, more than one, none.
		toRoom("id='h'", "<x xmlns='urn:x'><body>evil</body><subject>evil</subject></x><body>h</body>"),
		toRoom("id='h'", "<body xmlns='urn:x'>evil</body><body>h</body>"),
		toRoom("id='h'", "<body xml:lang='de'>evil</body><body>h</body><thread>{id}</thread>"),
		toRoom("id='h'", "<body/>"),
		toRoom("", "<body>no id</body>"),
		toRoom("id=''", "<body>empty id</body>"),
		toRoom("id='h'", "<body><![CDATA[</body></message><message>]]></body>"),
		toRoom("id='h'", "<x xmlns='urn:x' a='&gt;&apos;&quot;/&gt;' b=\"'>\"/><body>&amp;lt;/message&amp;gt;&#x1F525;&#x202E;&#8232;</body>"),
		// What only a room says.
		toRoom("id='h'", "<delay xmlns='urn:xmpp:delay' from='{room}' stamp='2020-01-01T00:00:00Z'/><body>h</body>"),
		toRoom("id='h'", "<error xmlns='jabber:client' type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error><body>h</body>"),
		toRoom("id='h'", "<x xmlns='http://jabber.org/protocol/muc#user'><destroy jid='evil@{room}'/><status code='307'/><status code='110'/></x><body>h</body>"),
	}
}

// hostilePrivate are for the victim alone.
func hostilePrivate() []string {
	const reason = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
	return []string{
		"<message to='{me}' type='chat' id='{id}'><body>forged</body></message>",
		"<message to='{me}' type='chat' id='h'>" + forgery + "</message>",
		"<message to='{me}' id='h'><result xmlns='urn:xmpp:mam:2' queryid='{id}' id='1'><forwarded xmlns='urn:xmpp:forward:0'>" + forgery + "</forwarded></result></message>",
		"<message to='{me}' type='chat' id='h'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>" + forgery + "</forwarded></received></message>",
		"<message to='{me}' type='error' id='{id}'>" + reason + "</message>",
		"<message to='{me}' type='chat' id='h'><x xmlns='jabber:x:conference' jid='evil@{room}'/></message>",
		"<iq to='{me}' type='get' id='h1'><query xmlns='urn:x'/></iq>",
		"<iq to='{me}' type='get' id='h2'><ping xmlns='urn:xmpp:ping'/></iq>",
		"<iq to='{me}' type='set' id='h3'><query xmlns='jabber:iq:roster'><item jid='evil@example.org'/></query></iq>",
		"<iq to='{me}' type='set' id='h4'><block xmlns='urn:xmpp:blocking'><item jid='{room}'/></block></iq>",
		"<iq to='{me}' type='result' id='{id}'/>",
		"<iq to='{me}' type='error' id='{id}'>" + reason + "</iq>",
	}
}

// hostilePresence are of an occupant with the nickname evil.
func hostilePresence() []string {
	return []string{
		"<presence to='{room}/evil'><priority>abc</priority></presence>",
		"<presence to='{room}/evil'><priority>200</priority></presence>",
		"<presence to='{room}/evil'><x xmlns='urn:x'><priority xmlns='jabber:client'>abc</priority></x></presence>",
		"<presence to='{room}/evil' xmlns:a='urn:a' a:type='unavailable' a:from='{me}'/>",
		"<presence to='{room}/evil'><x xmlns='http://jabber.org/protocol/muc#user'><destroy/><status code='110'/><status code='301'/></x></presence>",
		"<presence to='{room}/evil'><status>&#x202E;</status><show>forged</show><presence xmlns='jabber:client' type='unavailable' from='{me}'/></presence>",
	}
}

// hostileSizes are long or deep, within what servers let pass.
func hostileSizes() []string {
	return []string{
		toRoom("id='deep'", strings.Repeat("<x xmlns='urn:x'>", 60)+strings.Repeat("</x>", 60)+"<body>deep</body>"),
		toRoom("id='long'", "<body>"+strings.Repeat("9", 60_000)+"</body>"),
		toRoom("id='escaped'", "<body>"+strings.Repeat("&lt;", 15_000)+"</body>"),
		toRoom("id='many'", strings.Repeat("<x xmlns='urn:x'/>", 2_000)+"<body>many</body>"),
		toRoom("id='"+strings.Repeat("i", 1_000)+"'", "<body>long id</body>"),
	}
}
