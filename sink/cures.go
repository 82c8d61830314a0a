package sink

import "fmt"

// Cures that more than one place names.
const (
	nickCure    = "set XMPP_NICK to one that nobody else has"
	muteCure    = "the room is moderated and we have no voice: give the account of XMPP_JID a voice or membership"
	serviceCure = "no chat rooms there: check the service in XMPP_ROOM"
	missingCure = "create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true"
)

// joinCure tells what to do about the refusal of a join (XEP-0045, 7.2).
func joinCure(c *Condition) (cure string, lasting bool) {
	switch c.Name {
	case "not-authorized":
		return "the room has a password: set XMPP_ROOM_PASSWORD to it", true
	case "registration-required":
		return "the room is for members only: make the account of XMPP_JID a member", true
	case "forbidden":
		return "the account is banned from the room: ask an owner of the room to lift the ban", true
	case "conflict":
		return "all nicknames that were tried are taken: set XMPP_NICK to another", true
	case "not-acceptable":
		return "the room does not take this nickname: set XMPP_NICK to the one that is reserved for the account", true
	case "gone", "redirect":
		if c.Elsewhere != "" {
			return fmt.Sprintf("its owner names %.200q as the place to go: set XMPP_ROOM", c.Elsewhere), true
		}
		return "create the room again or change XMPP_ROOM", true
	case "resource-constraint":
		return "the room is full: raise its number of occupants, or make the account an admin of the room", false
	case "item-not-found", "recipient-unavailable":
		return "the room does not exist or is locked: create it, correct XMPP_ROOM, or set XMPP_ROOM_CREATE=true", true
	case "not-allowed":
		return "the account may not create the room, or the service of XMPP_ROOM is wrong: create the room or correct XMPP_ROOM", true
	case "remote-server-not-found", "service-unavailable":
		if c.Type == "wait" {
			return "the room may be full", false
		}
		return serviceCure, true
	case "jid-malformed":
		return "correct XMPP_ROOM or XMPP_NICK", true
	default:
		return "", false
	}
}

// loginCure tells what to do about a SASL failure (RFC 6120, 6.5).
func loginCure(c *Condition) string {
	switch c.Name {
	case "not-authorized", "invalid-authzid":
		return "check XMPP_JID and XMPP_PASSWORD"
	case "account-disabled", "credentials-expired":
		return "enable the account or renew its password on the server"
	default:
		return ""
	}
}

// postCure tells what to do about a bounced message.
func postCure(c *Condition) string {
	if c.Name == "forbidden" {
		return muteCure
	}
	return ""
}
