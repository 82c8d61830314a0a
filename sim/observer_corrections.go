package sim

import (
	"regexp"
	"slices"
	"strconv"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// corrections are the messages that may be replaced where people read, and those that
// replace them (XEP-0308).
type corrections struct {
	byAccount bool // readers tell by the account who may replace a message, else by the occupant
	messages  map[string]*shownMessage
}

// shownMessage is a message with one notification, which may have been shown several
// times, by different workers.
type shownMessage struct {
	number    int
	stays     []int    // in the room, of those who have shown it
	originals []string // ids of the messages that it has replaced, or its own
}

func newCorrections(p *Plan) corrections {
	return corrections{byAccount: !p.Room.profile().NoOccupantIDs, messages: map[string]*shownMessage{}}
}

// In what a worker has posted.
var (
	replacement = regexp.MustCompile(`<replace [^>]*id='([^']*)'`)
	lineBeside  = regexp.MustCompile(`^line \(([0-9]+)\)$`)
)

// corrected looks whether people see a correction where they have seen the first
// message, and a line only beside a correction. Where the room has not shown some
// message, that may have been the first. o.mu is held.
func (o *observer) corrected(p sinktest.Post, numbers []int) {
	if p.Remote == "" || !o.idsKept {
		return
	}
	if found := lineBeside.FindStringSubmatch(p.Body); found != nil {
		number, _ := strconv.Atoi(found[1])
		overtakes := slices.Contains(o.records[number].turnedAway, o.sessions[p.Remote]) // it was sent before that was known
		if !o.refusals && !overtakes && !o.hasReplaced(number) {
			o.wrong("a line tells of notification %d, which has replaced nothing", number)
		}
		return
	}
	original := p.ID
	if found := replacement.FindStringSubmatch(p.Inner); found != nil {
		original = found[1]
		o.replaces(p, numbers, original)
	}
	if len(numbers) == 1 {
		o.remember(p, numbers[0], original)
	}
}

// replaces looks whether a message with these notifications may replace another.
func (o *observer) replaces(p sinktest.Post, numbers []int, original string) {
	if len(numbers) != 1 || o.records[numbers[0]].resolves == nil {
		o.wrong("a message with notifications %d replaces another, and is the end of none", numbers)
		return
	}
	o.say("notification %d replaces an earlier one", numbers[0])
	first := o.messages[original]
	switch {
	case first == nil && o.refusals:
	case first == nil:
		o.wrong("notification %d replaces a message that nobody was shown", numbers[0])
	case o.refusals && o.comesFrom(numbers[0], first.number):
	case !o.isFirst(original, *o.records[numbers[0]].resolves):
		o.wrong("notification %d replaces notification %d, and is the end of another", numbers[0], first.number)
	case !o.byAccount && !o.refusals && !slices.Contains(first.stays, p.Stay):
		o.wrong("notification %d replaces a message of another occupant, which readers do not accept", numbers[0])
	}
}

// isFirst reports whether the message with an id is that of a notification, or the first
// of those that it has replaced.
func (o *observer) isFirst(id string, number int) bool {
	for _, m := range o.messages {
		if m.number == number && slices.Contains(m.originals, id) {
			return true
		}
	}
	return false
}

// comesFrom reports whether a notification is the end of another, or of its end: the
// room need not have shown those between them.
func (o *observer) comesFrom(number, first int) bool {
	for of := o.records[number].resolves; of != nil; of = o.records[*of].resolves {
		if *of == first {
			return true
		}
	}
	return false
}

// hasReplaced reports whether a notification has been shown as the correction of another.
func (o *observer) hasReplaced(number int) bool {
	for id, m := range o.messages {
		if m.number == number && slices.ContainsFunc(m.originals, func(original string) bool { return original != id }) {
			return true
		}
	}
	return false
}

// remember notes that a worker has shown a notification.
func (o *observer) remember(p sinktest.Post, number int, original string) {
	m := o.messages[p.ID]
	if m == nil {
		m = &shownMessage{number: number}
		o.messages[p.ID] = m
	}
	m.stays = append(m.stays, p.Stay)
	m.originals = append(m.originals, original)
}
