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

// maxErrorText keeps an answer small.
const maxErrorText = 1024

// replySubject returns the subject for the answer to m, "" if it gets none.
//
// Subjects that begin with $ belong to the broker: an answer to $JS.ACK...
// would acknowledge a message on behalf of somebody else. An answer to a
// subject of ours would come back to us as a notification.
func (s *Source) replySubject(m *client.Msg) string {
	ours := func(own string) bool { return subject.Overlap(own, m.Reply) }
	if !s.cfg.Reply || !subject.Literal(m.Reply) || strings.HasPrefix(m.Reply, "$") || slices.ContainsFunc(s.cfg.Subjects, ours) {
		return ""
	}
	return m.Reply
}

// answer sends a to the subject reply and reports whether that was possible.
func (s *Source) answer(reply string, a answer) bool {
	if reply == "" {
		return false
	}
	body, err := json.Marshal(a)
	return err == nil && s.conn.Publish(reply, body) == nil
}

func clip(text string) string {
	if len(text) <= maxErrorText {
		return text
	}
	return strings.ToValidUTF8(text[:maxErrorText], "")
}
