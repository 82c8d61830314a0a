package sim

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// observer sees what the room shows and what the brokers are told, and says what
// was wrong. It shares no code with the worker: it knows a notification by a number
// in an element beside the text, which the worker neither reads nor compares.
type observer struct {
	mu         sync.Mutex
	start      time.Time
	story      []string
	quiet      bool // keeps no story
	violations []string
	notes      map[int]*note
	sequence   []*note           // as they were published, where the order must be kept
	count      int               // of what was shown
	visits     map[string]*visit // by connection
	workers    map[string]*tally // by process
	idsKept    bool              // the room shows the ids that it was sent
	largest    int               // message that a worker may hold, 0: no bound
	blameless  bool              // nothing was ordered that makes a dead letter of a good notification
}

// note is what is known of one notification.
type note struct {
	number    int
	malformed bool
	text      string    // that people see
	parts     []string  // of the text, as its publisher wrote them
	copies    []*stored // messages that carry it
	lane      string    // broker and partition of the first
	excused   bool      // its worker went away together with the server
	posts     []shown
	buried    bool
}

// shown is one time that the room has shown a notification.
type shown struct {
	at     time.Time
	visit  *visit
	nick   string
	nth    int  // of all that was shown
	unseen bool // others were not shown it: the server died before
}

// visit is one session of a worker in the room.
type visit struct {
	link   *link
	joined time.Time
	told   map[int][]string // what the room said at the join that it had shown, and under which nicknames
}

// tally is what is known of one process.
type tally struct {
	inside bool           // it is in the room
	key    string         // of its ids
	out    map[string]int // by broker: messages lent and not settled
	most   int            // that may be
	bytes  map[string]int // of them
	// mostBytes is how many those may be, but for the last message; 0: no bound.
	mostBytes int
	unacked   map[int]bool // shown and not durably acknowledged
	depth     int          // how many of those there may be
	refused   int          // how many more, once the room has refused some
	told      int          // messages that the room has told, or can tell
	certain   map[int]bool // acknowledged for good, or given up
	returned  map[int]bool // given back to a broker: who gets them next is not to know
	doubtful  int          // messages that it has counted as possible duplicates
	again     int          // messages that it has posted twice itself
}

func newObserver(p *Plan) *observer {
	o := &observer{
		start: time.Now(), notes: map[int]*note{}, visits: map[string]*visit{}, workers: map[string]*tally{},
		idsKept: p.Room.keepsIDs(), blameless: !p.bounces() && p.swallowed() < 2, largest: p.Bytes / len(p.Brokers),
	}
	for _, n := range p.Notifications {
		if o.notes[n.Number] == nil {
			o.notes[n.Number] = &note{number: n.Number, malformed: n.Malformed, text: fmt.Sprint(n.Text, n.ID, n.Length), parts: []string{textOf(n.Text), n.rest()}}
		}
	}
	return o
}

// tell adds a line to the story.
func (o *observer) tell(format string, args ...any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.say(format, args...)
}

// say is tell under o.mu.
func (o *observer) say(format string, args ...any) {
	if !o.quiet {
		o.story = append(o.story, fmt.Sprintf("%12.6fs  ", time.Since(o.start).Seconds())+fmt.Sprintf(format, args...))
	}
}

// wrong notes that something must not be. o.mu is held.
func (o *observer) wrong(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	o.violations = append(o.violations, text)
	o.say("WRONG: %s", text)
}

// published is when a broker has stored a message.
func (o *observer) published(m *stored, lane string, ordered bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.notes[m.number]
	if n.copies = append(n.copies, m); ordered && len(n.copies) == 1 {
		n.lane = lane
		o.sequence = append(o.sequence, n)
	}
	o.say("notification %d is published at offset %d", m.number, m.offset)
}

// lent is when a broker gives a message to a worker.
func (o *observer) lent(p *process, broker string, m *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	w.out[broker]++
	o.say("%s gives notification %d to worker %s", broker, m.number, p.name)
	if w.out[broker] > w.most {
		o.wrong("worker %s holds %d messages of %s, more than %d", p.name, w.out[broker], broker, w.most)
	}
	if w.bytes[broker] >= w.mostBytes && w.mostBytes > 0 {
		o.wrong("worker %s holds %d bytes of %s, more than %d, and is given more", p.name, w.bytes[broker], broker, w.mostBytes)
	}
	w.bytes[broker] += m.size()
}

// settled is when a worker acknowledges a message, or gives it back.
func (o *observer) settled(p *process, broker string, m *stored, how string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.workers[p.name].out[broker]--
	o.workers[p.name].bytes[broker] -= m.size()
	if how == givesBack {
		o.workers[p.name].returned[m.number] = true
	}
	o.say("worker %s %s notification %d", p.name, how, m.number)
}

// What a worker does with a message.
const (
	acknowledges = "acknowledges"
	givesBack    = "gives back"
)

// durable is when a worker may take a message for acknowledged for good.
func (o *observer) durable(p *process, m *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	delete(w.unacked, m.number)
	w.certain[m.number] = true
}

// acked is when a broker will never deliver a message again.
func (o *observer) acked(m *stored) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.notes[m.number]
	o.say("the broker takes notification %d for done", m.number)
	if !n.buried && !o.wasShown(n) {
		o.wrong("notification %d is acknowledged, but was never shown", m.number)
	}
}

// wasShown reports whether the room has shown a notification. Where it keeps no ids,
// those with the same text are all alike: as many must have been shown as are done.
func (o *observer) wasShown(n *note) bool {
	if o.idsKept {
		return len(n.posts) > 0
	}
	shown, done := 0, 0
	for _, other := range o.notes {
		if other.text == n.text {
			shown += len(other.posts)
			if !other.buried && slices.ContainsFunc(other.copies, func(m *stored) bool { return m.acked.Load() }) {
				done++
			}
		}
	}
	return shown >= done
}

// buried is when a dead letter is stored.
func (o *observer) buried(m *stored, reason sources.Reason) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := o.notes[m.number]
	n.buried = true
	o.say("notification %d becomes a dead letter: %s", m.number, reason.Code)
	switch {
	case reason.Code == sources.ReasonDecode && !n.malformed:
		o.wrong("notification %d is a dead letter, but could be read", m.number)
	case reason.Code == sources.ReasonTooLarge && m.size() > o.largest && o.largest > 0:
	case reason.Code != sources.ReasonDecode && o.blameless:
		o.wrong("notification %d is a dead letter (%s: %v), but nothing had refused it", m.number, reason.Code, reason.Err)
	}
}

// numbered finds the number of a notification in what a worker has posted.
var numbered = regexp.MustCompile(`<n xmlns='urn:sim'>(\d+)</n>`)

// carries reports whether a message carries the notification.
func carries(p sinktest.Post, number int) bool {
	found := numbered.FindStringSubmatch(p.Inner)
	return found != nil && found[1] == strconv.Itoa(number)
}

func numberOf(p sinktest.Post) (int, bool) {
	found := numbered.FindStringSubmatch(p.Inner)
	if found == nil || p.Remote == "" {
		return 0, false
	}
	number, err := strconv.Atoi(found[1])
	return number, err == nil
}

// toldByArchive is how many messages an archive is asked for at least.
const toldByArchive = 200

// replayed is when the room tells a worker that has joined what it had shown.
func (o *observer) replayed(l *link, history []sinktest.Post, archive bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	v := o.visits[l.name]
	if w := o.workers[l.owner.name]; archive {
		w.told = toldByArchive
		o.say("worker %s is told %d messages of the archive", l.owner.name, len(history))
	} else {
		v = &visit{link: l, joined: time.Now(), told: map[int][]string{}}
		o.visits[l.name] = v
		w.told = max(w.told, len(history))
		o.say("worker %s joins, and is told %d messages of the history", l.owner.name, len(history))
	}
	for _, p := range history {
		if number, ok := numberOf(p); ok {
			v.told[number] = append(v.told[number], p.Nick)
		}
	}
}

// posted is when the room shows something.
func (o *observer) posted(p sinktest.Post) {
	o.mu.Lock()
	defer o.mu.Unlock()
	number, ok := numberOf(p)
	if !ok {
		o.say("%s says %q in the room", p.Nick, p.Body)
		return
	}
	v, n := o.visits[p.Remote], o.notes[number]
	name := v.link.owner.name
	o.say("the room shows notification %d, from worker %s", number, name)
	if slices.ContainsFunc(n.parts, func(part string) bool { return !strings.Contains(p.Body, part) }) {
		o.wrong("notification %d is shown without its text, as %q", number, p.Body)
	}
	w := o.workers[name]
	late := v.link.abandoned() // nobody can know what a server still does with what it has of a dead connection
	for _, before := range n.posts {
		if late {
			break
		}
		o.repeated(n, before, shown{at: time.Now(), visit: v, nick: p.Nick})
	}
	if !late && !w.returned[number] && slices.ContainsFunc(n.posts, func(s shown) bool { return s.visit.link.owner == v.link.owner }) {
		w.again++
	}
	o.count++
	n.posts = append(n.posts, shown{at: time.Now(), visit: v, nick: p.Nick, nth: o.count})
	if !w.certain[number] && !slices.ContainsFunc(n.copies, func(m *stored) bool { return m.acked.Load() }) {
		w.unacked[number] = true
	}
	if len(w.unacked) > w.depth+w.refused && o.blameless { // what is refused on its way to the dead letters does not count
		o.wrong("worker %s has shown %d notifications that are not acknowledged for good, and the room can tell %d", name, len(w.unacked), w.depth)
	}
}

// trip is how long a message may take to the server, and what others were shown
// to the worker.
const trip = 4 * mostDelay

// repeated looks whether a notification had to be shown again.
func (o *observer) repeated(n *note, before, now shown) {
	o.say("it had shown notification %d before, from worker %s", n.number, before.visit.link.owner.name)
	switch {
	case before.visit == now.visit:
		o.wrong("notification %d is shown twice in one session", n.number)
	case !o.idsKept || o.workers[before.visit.link.owner.name].key != o.workers[now.visit.link.owner.name].key:
	case now.visit.joined.After(before.at):
		if now.visit.mustKnow(n) {
			o.wrong("notification %d is shown twice, although the room had told worker %s that it was shown", n.number, now.visit.link.owner.name)
		}
	case now.at.Sub(before.at) > trip && !now.visit.link.heldSince(before.at):
		o.wrong("notification %d is shown twice, although worker %s was there when it was shown", n.number, now.visit.link.owner.name)
	}
}

// mustKnow reports whether what the room told at the join says that n was shown. Who
// has shown it himself is to look for it under his own nickname: from others it may
// be a copy with another text.
func (v *visit) mustKnow(n *note) bool {
	nicks := v.told[n.number]
	own := false
	for _, s := range n.posts {
		if s.visit.link.owner == v.link.owner {
			own = true
			if slices.Contains(nicks, s.nick) {
				return true
			}
		}
	}
	return !own && len(nicks) > 0
}

// ended is when nothing more will happen.
func (o *observer) ended(processes, absent []*process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for number := range len(o.notes) {
		n := o.notes[number]
		if n == nil {
			continue
		}
		for _, m := range n.copies {
			if !m.acked.Load() {
				o.wrong("notification %d at offset %d is not acknowledged in the end", number, m.offset)
			}
		}
		if !o.ends(n) {
			o.wrong("notification %d is neither shown to others nor a dead letter in the end", number)
		}
	}
	o.inOrder()
	for _, p := range processes {
		if !o.workers[p.name].inside {
			o.wrong("worker %s is not in the room in the end", p.name)
		}
	}
	for _, p := range absent {
		if o.workers[p.name].inside {
			o.wrong("worker %s takes itself for in the room in the end, and is not", p.name)
		}
	}
	for name, w := range o.workers {
		if w.again > w.doubtful {
			o.wrong("worker %s has posted %d notifications again, and counted %d possible duplicates", name, w.again, w.doubtful)
		}
	}
}

// ends reports whether others were shown the notification, or it is a dead letter.
func (o *observer) ends(n *note) bool {
	return n.buried || n.excused || !o.idsKept && o.wasShown(n) || slices.ContainsFunc(n.posts, func(s shown) bool { return !s.unseen })
}

// inOrder looks whether what came first was shown first, where that is promised.
func (o *observer) inOrder() {
	last := map[string]*note{}
	for _, n := range o.sequence {
		if len(n.posts) == 0 || len(n.copies) > 1 || n.buried {
			continue
		}
		if before := last[n.lane]; before != nil && n.posts[0].nth < before.posts[0].nth {
			o.wrong("notification %d is shown before notification %d, which was published before it in %s", n.number, before.number, n.lane)
		}
		last[n.lane] = n
	}
}

// copiesLost is when a server dies that has not shown to others what it has shown
// last to its sender. A worker sends as many again as it promises, most at a time.
func (o *observer) copiesLost(since time.Time, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	type recent struct {
		n *note
		s *shown
	}
	var list []recent
	for _, n := range o.notes {
		for i := range n.posts {
			if s := &n.posts[i]; !s.unseen && !s.at.Before(since) {
				list = append(list, recent{n, s})
			}
		}
	}
	slices.SortFunc(list, func(a, b recent) int { return b.s.nth - a.s.nth })
	count := map[*process]int{}
	for _, r := range list {
		if owner := r.s.visit.link.owner; count[owner] < most {
			count[owner]++
			r.s.unseen = true
			o.say("others were not shown notification %d", r.n.number)
			r.n.excused = r.n.excused || r.s.visit.link.abandoned()
		}
	}
}

// gone is when a process ends, by itself or not. What it has seen last it cannot
// show again.
func (o *observer) gone(p *process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, n := range o.notes {
		n.excused = n.excused || slices.ContainsFunc(n.posts, func(s shown) bool { return s.unseen && s.visit.link.owner == p })
	}
}

// done reports whether there is nothing left to do, and all workers are in the room.
func (o *observer) done(processes []*process) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if slices.ContainsFunc(processes, func(p *process) bool { return !o.workers[p.name].inside }) {
		return false
	}
	for _, n := range o.notes {
		if slices.ContainsFunc(n.copies, func(m *stored) bool { return !m.acked.Load() }) || !o.ends(n) {
			return false
		}
	}
	return true
}

// inside reports whether a worker is in the room.
func (o *observer) inside() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, w := range o.workers {
		if w.inside {
			return true
		}
	}
	return false
}

// born is when a process starts.
func (o *observer) born(p *process, key string, plan *Plan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.workers[p.name] = &tally{
		key: key, out: map[string]int{}, most: 2 * plan.InFlight, bytes: map[string]int{}, mostBytes: plan.Bytes / len(plan.Brokers),
		unacked: map[int]bool{}, depth: max(plan.InFlight, len(plan.Brokers)), certain: map[int]bool{}, returned: map[int]bool{},
	}
	o.say("worker %s starts", p.name)
}

// room is what a worker's room tells of itself.
func (o *observer) room(p *process, e sink.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	switch e.Kind {
	case sink.Joined:
		w.depth, w.inside = max(w.depth, w.told/2), true // half of what a room can tell is left to others
		o.say("worker %s is in the room", p.name)
	case sink.Left:
		w.inside = false
		o.say("worker %s is not in the room: %.120v", p.name, e.Err)
	case sink.Resent:
		w.doubtful += e.PossibleDuplicates
		o.say("worker %s has sent %d messages again, %d of them may be shown twice", p.name, e.Resent, e.PossibleDuplicates)
	case sink.Bounced:
		w.refused = w.most / 2 // what is refused again and again gives its places to others
	case sink.Connected, sink.Limited:
	}
}
