package sim

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// numbered finds the numbers of notifications in what a worker has posted.
var numbered = regexp.MustCompile(`<n xmlns='urn:sim'>([0-9 ]+)</n>|[0-9]+ notifications \(([0-9 ]+)\)`)

// counted finds those in it that came too late.
var counted = regexp.MustCompile(`[0-9]+ expired \(([0-9 ]+)\)`)

// carried returns the numbers of the notifications that a message shows.
func carried(p sinktest.Post) []int { return append(numbersIn(p, numbered), expiredIn(p)...) }

// expiredIn returns those of them that it only counts, because they came too late.
func expiredIn(p sinktest.Post) []int { return numbersIn(p, counted) }

func numbersIn(p sinktest.Post, pattern *regexp.Regexp) (numbers []int) {
	if found := pattern.FindStringSubmatch(p.Inner); found != nil {
		for word := range strings.FieldsSeq(strings.Join(found[1:], "")) {
			number, _ := strconv.Atoi(word)
			numbers = append(numbers, number)
		}
	}
	return numbers
}

// toldByArchive is how many messages an archive is asked for at least.
const toldByArchive = 200

// replayed is when the room can tell a worker that has joined what it had shown.
func (o *observer) replayed(l *link, history []sinktest.Post, archive bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.sessions[l.name]
	if w := o.workers[l.owner.name]; archive {
		w.recallable = toldByArchive
		o.say("worker %s is told %d messages of the archive", l.owner.name, len(history))
	} else {
		s = &session{link: l, joined: time.Now(), replayed: map[int][]string{}}
		o.sessions[l.name] = s
		w.recallable = max(w.recallable, len(history))
		o.say("worker %s joins, and is told %d messages of the history", l.owner.name, len(history))
	}
	for _, p := range history {
		if p.Remote == "" {
			continue
		}
		for _, number := range carried(p) {
			s.replayed[number] = append(s.replayed[number], p.Nick)
		}
	}
}

// refused is when the room refuses a message, or swallows it.
func (o *observer) refused(p sinktest.Post, weight int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.refusals = true
	numbers := carried(p)
	if len(numbers) == 0 {
		o.refusedLines += weight
	}
	for _, number := range numbers {
		r := o.records[number]
		r.refused += weight
		r.delayed = true
		o.say("the room does not show notification %d", number)
	}
}

// turnedAway is when the room does not show a message, perhaps for a passing reason: an
// account without a voice, a chat service that is down.
func (o *observer) turnedAway(p sinktest.Post) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, number := range carried(p) {
		r := o.records[number]
		r.turnedAway = append(r.turnedAway, o.sessions[p.Remote])
		o.again = o.again || len(r.turnedAway) > 1
		o.say("the room turns notification %d away", number)
	}
}

// mayOvertake reports whether r may be shown before one that was published before it: the
// room did not show that in the session in which it shows r.
func (r *record) mayOvertake(before *record) bool {
	return slices.Contains(before.turnedAway, r.showings[0].session)
}

// posted is when the room shows something.
func (o *observer) posted(p sinktest.Post) {
	o.mu.Lock()
	defer o.mu.Unlock()
	numbers := carried(p)
	o.corrected(p, numbers)
	if p.Remote == "" || len(numbers) == 0 {
		o.say("%s says %q in the room", p.Nick, p.Body)
		if p.Remote != "" { // a line beside a correction
			o.count++
			o.lines = append(o.lines, showing{at: time.Now(), session: o.sessions[p.Remote], nth: o.count})
		}
		return
	}
	now := showing{at: time.Now(), session: o.sessions[p.Remote], nick: p.Nick}
	owner := now.session.link.owner
	w := o.workers[owner.name]
	o.count++
	now.nth = o.count
	o.shows(owner, p, numbers)
	for _, number := range numbers {
		r := o.records[number]
		before := o.shown(w, r, now)
		if before > 0 && (o.idsKept || !o.refusals) { // else it may have tried again the wrong one of those with the same text
			w.resent[repeat{before, now.session}] = true
		}
	}
	most := w.maxUnacked
	if o.most > 1 { // a message with more notifications than fit is sent when its source has nothing unacknowledged
		most += o.most * len(w.pending)
	}
	if o.refusals || o.again {
		most += o.inFlight + 1 // what is refused again and again gives its places to others, and behind all that is shown there is one more
	}
	messages := map[int]bool{}
	for _, nth := range w.unacked {
		messages[nth] = true
	}
	apart := o.together && (o.refusals || !o.idsKept) // digests are taken apart, and each takes one place all the same
	if len(messages) > most && !apart {
		o.wrong("worker %s has shown %d messages that are not acknowledged for good, and the room can tell %d", owner.name, len(messages), w.maxUnacked)
	}
}

// shown adds that a worker has shown a notification. It returns the message with which
// this one had shown it last, 0 if it had not.
func (o *observer) shown(w *workerState, r *record, now showing) (last int) {
	owner := now.session.link.owner
	now.abandoned = now.session.link.abandoned()
	if !now.abandoned { // nobody can know what a server still does with what it has of a dead connection
		for _, before := range r.showings {
			o.repeated(r, before, now)
			if before.session.link.owner == owner && !before.abandoned && !w.released[r.number] {
				last = before.nth
			}
		}
	}
	now.refused = r.refused
	r.showings = append(r.showings, now)
	if !w.durable[r.number] && !slices.ContainsFunc(r.copies, func(m *stored) bool { return m.acked.Load() }) {
		w.unacked[r.number] = now.nth
	}
	return last
}

// transit is how long a message may take to the server, and what others were shown
// to the worker.
const transit = 4 * mostDelay

// repeated looks whether a notification had to be shown again.
func (o *observer) repeated(r *record, before, now showing) {
	first, second := before.session.link.owner, now.session.link.owner
	o.say("it had shown notification %d before, from worker %s", r.number, first.name)
	switch {
	case before.session == now.session:
		if o.idsKept || !o.refusals { // else the worker cannot tell which of those with the same text was not shown
			o.wrong("notification %d is shown twice in one session", r.number)
		}
	case !o.idsKept || o.workers[first.name].key != o.workers[second.name].key:
	case now.session.joined.After(before.at):
		if now.session.mustKnow(r) && !o.clockSet && o.underOneKey(r) {
			o.wrong("notification %d is shown twice, although the room had told worker %s that it was shown", r.number, second.name)
		}
	case r.shownBy(second): // from others it may be a copy with another text
	case now.at.Sub(before.at) > transit && now.at.Sub(o.prompt) > transit && !now.session.link.heldSince(before.at):
		o.wrong("notification %d is shown twice, although worker %s was there when it was shown", r.number, second.name)
	}
}

// shownBy reports whether a process has shown r.
func (r *record) shownBy(p *process) bool {
	return slices.ContainsFunc(r.showings, func(s showing) bool { return s.session.link.owner == p })
}

// underOneKey reports whether all workers that have shown r had the same key. Else what
// the room told may be the copy that this one cannot know.
func (o *observer) underOneKey(r *record) bool {
	key := func(s showing) string { return o.workers[s.session.link.owner.name].key }
	return !slices.ContainsFunc(r.showings, func(s showing) bool { return key(s) != key(r.showings[0]) })
}

// mustKnow reports whether what the room told at the join says that r was shown. Who
// has shown it himself is to look for it under his own nickname: from others it may
// be a copy with another text.
func (s *session) mustKnow(r *record) bool {
	nicks := s.replayed[r.number]
	own := false
	for _, before := range r.showings {
		if before.session.link.owner == s.link.owner {
			own = true
			if slices.Contains(nicks, before.nick) {
				return true
			}
		}
	}
	return !own && len(nicks) > 0
}

// copiesLost is when a server dies that has not shown to others what it has shown
// last to its sender. A worker sends as many again as it promises, most at a time.
func (o *observer) copiesLost(since time.Time, most int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	type lost struct {
		r *record // nil: a line
		s *showing
	}
	var list []lost
	for i := range o.lines {
		if s := &o.lines[i]; !s.at.Before(since) {
			list = append(list, lost{nil, s})
		}
	}
	for _, r := range o.records {
		for i := range r.showings {
			if s := &r.showings[i]; !s.senderOnly && !s.at.Before(since) {
				list = append(list, lost{r, s})
			}
		}
	}
	slices.SortFunc(list, func(a, b lost) int { return b.s.nth - a.s.nth })
	messages := map[*process]map[int]bool{}
	for _, l := range list {
		owner := l.s.session.link.owner
		if messages[owner] == nil {
			messages[owner] = map[int]bool{}
		}
		if messages[owner][l.s.nth] = true; len(messages[owner]) <= most && l.r != nil {
			l.s.senderOnly = true
			o.say("others were not shown notification %d", l.r.number)
			l.r.exempt = l.r.exempt || l.s.session.link.abandoned()
		}
	}
}
