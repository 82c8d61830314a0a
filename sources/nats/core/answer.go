package core

import (
	"encoding/json"
	"slices"
	"strings"

	client "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// answer is what the publisher of a notification gets.
type answer struct {
	Status string `json:"status"`
	// ID is the publisher's id of the notification, if it gave one.
	ID string `json:"id,omitempty"`
	// Reason and Error say why it was rejected.
	Reason string `json:"reason,omitempty"`
	Error  string `json:"error,omitempty"`
}

// The values of answer.Status.
const (
	delivered = "delivered"
	rejected  = "rejected"
	tryAgain  = "retry"
)

// replySubject returns the subject for the answer to m, "" if it gets none. The
// publisher chooses it, so only those are taken that are meant for answers: an
// answer to $JS.ACK... would acknowledge a message on behalf of somebody else, one
// to a subject of ours would come back as a notification, one to a dead letter's
// would be a dead letter.
func (s *Source) replySubject(m *client.Msg) string {
	overlaps := func(list ...string) bool {
		return slices.ContainsFunc(list, func(one string) bool { return subject.Overlap(one, m.Reply) })
	}
	switch {
	case !s.cfg.Reply, !subject.Literal(m.Reply), strings.HasPrefix(m.Reply, "$"):
		return ""
	case overlaps(s.cfg.Subjects...), overlaps(s.settings.DLQSubject, s.settings.DLQSubject+".>"):
		return ""
	case overlaps(s.cfg.ReplyTo...), overlaps(s.settings.InboxPrefix + ".>"):
		return m.Reply
	}
	return ""
}

// answer sends a to the subject reply and reports whether that was possible.
func (s *Source) answer(reply string, a answer) bool {
	if reply == "" {
		return false
	}
	body, err := json.Marshal(a)
	return err == nil && s.conn.Publish(reply, body) == nil
}
