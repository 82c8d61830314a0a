package sinktest

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
)

const nsOccupantID = "urn:xmpp:occupant-id:0"

// occupantID is the element that tells which stanzas are of one account (XEP-0421), ""
// if the room has none.
func (r *room) occupantID(bare string) string {
	if r.profile.NoOccupantIDs {
		return ""
	}
	sum := sha256.Sum256([]byte(r.jid + " " + bare))
	return "<occupant-id xmlns='" + nsOccupantID + "'" + attrs("id", hex.EncodeToString(sum[:16])) + "/>"
}

// claims are what others say is such an element: it is removed.
var claims = regexp.MustCompile(`<occupant-id[^>]*/>`)

// identified is the content of a message of an account with the element of the room.
func (r *room) identified(inner, bare string) string {
	if r.profile.NoOccupantIDs {
		return inner
	}
	return claims.ReplaceAllString(inner, "") + r.occupantID(bare)
}
