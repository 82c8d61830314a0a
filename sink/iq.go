package sink

import (
	"bytes"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// iq answers requests, and takes the answers to ours.
func (s *session) iq(e wire.Element) error {
	switch string(e.Type) {
	case "get", "set":
		most := maxToOthers
		if from := string(e.From); from == "" || from == s.domain || s.official(e.From) {
			most = maxAnswers // who may end our stay if we do not answer
		}
		s.out.answer(reply(e), most)
		return nil
	case "result", "error":
		return s.answered(e)
	}
	return nil
}

// reply answers a ping (XEP-0199) and declines everything else. Servers
// and rooms ask to find out whether we are alive.
func reply(e wire.Element) string {
	to, id := "", wire.Escape(string(e.ID))
	if len(e.From) > 0 { // else it is our own server
		to = " to='" + wire.Escape(string(e.From)) + "'"
	}
	for child := range e.Children() {
		if string(child.Name) == "ping" && string(child.XMLNS) == "urn:xmpp:ping" {
			return fmt.Sprintf("<iq type='result'%s id='%s'/>", to, id)
		}
	}
	return fmt.Sprintf("<iq type='error'%s id='%s'><error type='cancel'>"+
		"<service-unavailable xmlns='%s'/></error></iq>", to, id, nsStanzaErrors)
}

// answered takes the answer to a request of ours. Any answer proves that the
// connection lives; some say that we are not in the room (XEP-0410, 3.2).
func (s *session) answered(e wire.Element) error {
	suffix, ours := bytes.CutPrefix(e.ID, []byte(s.askID))
	if ours && string(suffix) == uptimeSuffix && string(e.From) == s.domain {
		s.uptime(e)
	}
	if ours && string(suffix) == nobodySuffix && string(e.Type) == "result" {
		s.answeredFor = true
	}
	if !ours || !s.official(e.From) {
		return nil
	}
	switch failed := string(e.Type) == "error"; string(suffix) {
	case cancelSuffix:
		return notCreated(s.room)
	case configureSuffix:
		if failed {
			return &Error{Op: "create room " + s.room, Err: stanzaError(e), Cure: "create it on the server", Lasting: true}
		}
	case serviceSuffix:
		if s.phase == joining && !failed {
			return rooms(e, s.service)
		}
	case infoSuffix:
		return s.info(e)
	case fenceSuffix:
		return s.fence()
	case archiveSuffix:
		return s.page(e)
	case pingSuffix, suspectSuffix:
		if failed {
			if err := s.missing(stanzaError(e)); err != nil {
				return err
			}
		}
		if string(suffix) == suspectSuffix {
			return s.convict()
		}
	}
	return nil
}

// missing takes an error to a ping to ourselves.
func (s *session) missing(c *Condition) error {
	if c.Name == "service-unavailable" || c.Name == "feature-not-implemented" {
		return nil // we are in the room; the ping reached us and was declined
	}
	return &Error{Op: "stay in " + s.room, Err: fmt.Errorf("%w: %w", errNotInRoom, c)}
}
