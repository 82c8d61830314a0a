package conn

import (
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/wire"
)

// Request is what we ask of somebody (RFC 6120, 8.2.3).
type Request struct {
	To, Type, Payload string
	// By reports whether an answer from this address counts: ids can be seen by
	// others on the way. Nil: every one does.
	By func(from []byte) bool
	// Answer takes the answer, in the goroutine that reads. An error ends the
	// connection.
	Answer func(Answer) error
}

// Answer is a result, or an error.
type Answer struct {
	wire.Element
}

// Failed reports whether it is an error.
func (a Answer) Failed() bool { return string(a.Type) == "error" }

// Refused returns the error, nil for a result.
func (a Answer) Refused() *Condition {
	if a.Failed() {
		return StanzaError(a.Element)
	}
	return nil
}

// requests are those of ours that have no answer yet.
type requests struct {
	prefix string // of their ids, which nobody can guess

	mu      sync.Mutex
	count   int
	pending map[string]Request
}

func newRequests() requests {
	return requests{prefix: rand.Text() + "-", pending: make(map[string]Request)}
}

// add remembers r and returns its id.
func (q *requests) add(r Request) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
	id := q.prefix + strconv.Itoa(q.count)
	q.pending[id] = r
	return id
}

// take returns the request that e answers.
func (q *requests) take(e wire.Element) (Request, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	r, ok := q.pending[string(e.ID)]
	if !ok || r.By != nil && !r.By(e.From) {
		return Request{}, false
	}
	delete(q.pending, string(e.ID))
	return r, true
}

// Ask sends a request. Its answer comes in order with everything else.
func (c *Conn) Ask(r Request) {
	c.Send(request(c.requests.add(r), r.Type, r.To, r.Payload))
}

// request is a request as it is written. Without an address it is for our server.
func request(id, kind, to, payload string) string {
	if to != "" {
		to = " to='" + wire.Escape(to) + "'"
	}
	return fmt.Sprintf("<iq type='%s'%s id='%s'>%s</iq>", kind, to, id, payload)
}

// iq answers requests of others, and takes the answers to ours.
func (c *Conn) iq(e wire.Element) error {
	switch string(e.Type) {
	case "get", "set":
		c.out.answer(reply(e), c.limit(e.From))
	case "result", "error":
		if r, ok := c.requests.take(e); ok {
			return r.Answer(Answer{e})
		}
	}
	return nil
}

// limit is how many bytes of answers we owe.
func (c *Conn) limit(from []byte) int {
	if len(from) == 0 || string(from) == c.Domain || c.MustAnswer(from) {
		return maxAnswers
	}
	return maxToOthers
}

// reply answers a ping (XEP-0199) and declines everything else. Servers and rooms
// ask to find out whether we are alive.
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
		"<service-unavailable xmlns='%s'/></error></iq>", to, id, OfStanza)
}
