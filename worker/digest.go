package worker

import (
	"strings"
	"sync/atomic"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// digest is one message that shows several notifications. It takes one slot of those
// for what is unacknowledged, until the last of its deliveries is acknowledged.
type digest struct {
	loop    *sourceLoop
	members []member
	left    atomic.Int64 // members that are unacknowledged
	unshown atomic.Int64 // members that the room has not shown

	counted string // the stanza that was told of; outcomes come one after the other
}

func newDigest(l *sourceLoop, members []member) *digest {
	d := &digest{loop: l, members: members}
	d.left.Store(int64(len(members)))
	d.unshown.Store(int64(len(members)))
	for _, m := range members {
		m.pending.slots = d
	}
	return d
}

// show implements slots. The message was shown, or shown before, if all its members were.
func (d *digest) show(members int) {
	if d.unshown.Add(-int64(members)) == 0 {
		d.loop.unacked.show(1)
	}
}

// release implements slots: it is called when so many members are acknowledged.
func (d *digest) release(members, _ int) {
	if d.left.Add(-int64(members)) > 0 || members == 0 {
		return
	}
	shown := 1
	if d.unshown.Load() > 0 {
		shown = 0
	}
	d.loop.unacked.release(1, shown)
}

// message makes the message, whose members are settled by done.
func (d *digest) message(done func(*member, sink.Result)) sink.Message {
	list := make([]sink.Member, len(d.members))
	for i := range d.members {
		m := &d.members[i]
		list[i] = sink.Member{
			Identity: m.identity, Lost: m.pending.delivery.Lost(), Origin: m.pending.delivery,
			Done: func(r sink.Result) {
				d.count(r)
				done(m, r)
			},
		}
	}
	return sink.Message{Members: list, Compose: d.compose}
}

// count tells of each message that shows several: there are more than one if the room
// takes only a part of them at once.
func (d *digest) count(r sink.Result) {
	if r.Outcome == sink.Delivered && r.Together > 1 && r.ID != d.counted {
		d.counted = r.ID
		d.loop.tell(Event{Kind: Digested, StanzaID: r.ID, Together: r.Together, Took: r.Took})
	}
}

// compose makes the text for some of the members, and behind it the line that counts
// those that have expired.
func (d *digest) compose(which []int) (body, extra string) {
	var current, expired []*member
	for _, i := range which {
		if m := &d.members[i]; m.expired {
			expired = append(expired, m)
		} else {
			current = append(current, m)
		}
	}
	if len(current) > 0 {
		body, extra = d.loop.textOf(current)
	}
	if len(expired) > 0 {
		body = strings.TrimPrefix(body+"\n"+d.loop.worker.Digests.ExpiredText(summariesOf(expired)), "\n")
	}
	return body, extra
}

// textOf is the text for these, and of a single one what it would have been alone.
func (l *sourceLoop) textOf(members []*member) (body, extra string) {
	if len(members) == 1 {
		if e, ok := l.again(members[0]); ok {
			return l.worker.Posts.text(e)
		}
	}
	return l.worker.Digests.Text(summariesOf(members)), ""
}

func summariesOf(members []*member) (list []envelope.Summary) {
	for _, m := range members {
		list = append(list, m.summaries...)
	}
	return list
}

// again makes the notification of a post from the message, which is kept until it is
// acknowledged. That fails if the operator has changed what is made of messages.
func (l *sourceLoop) again(m *member) (e envelope.Envelope, ok bool) {
	all, err := m.pending.delivery.DecodeAgain(l.worker.decoder())
	if err != nil || m.parts[len(m.parts)-1] >= len(all) {
		return e, false
	}
	if len(m.parts) == 1 {
		return all[m.parts[0]], true
	}
	return group(all, m.parts), true
}
