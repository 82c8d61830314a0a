package sim

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// observer sees what the room shows and what the brokers are told, and says what
// was wrong. It shares no code with the worker: it knows a notification by a number
// in an element beside the text, which the worker neither reads nor compares.
type observer struct {
	mu           sync.Mutex
	start        time.Time
	story        []string
	quiet        bool // keeps no story
	violations   []string
	records      map[int]*record
	sequence     []*record               // as they were published, where the order must be kept
	count        int                     // of what was shown
	lines        []showing               // of these, what shows no notification
	refusedLines int                     // how surely the room has refused one of them
	sessions     map[string]*session     // by connection
	workers      map[string]*workerState // by process
	idsKept      bool                    // the room shows the ids that it was sent
	refusals     bool                    // it has refused or swallowed some
	again        bool                    // it has turned one away twice, for whatever reason
	largest      int                     // message that a worker may hold, 0: no bound
	most         int                     // notifications in one message
	inFlight     int                     // messages of one worker
	stuck        int                     // the broker whose dead letters are never written, -1: none
	together     bool                    // messages may show several notifications, and are taken apart
	maxAge       time.Duration           // of what is shown; 0: any
	corrections
	prompt     time.Time // from when on the server is not late with anything: it stood still, or was slow
	departures int       // of workers that were in the room
	clockSet   bool      // the server's, in a room with an archive: dates do not say what the history should have told
}

// record is what is known of one notification.
type record struct {
	number       int
	malformed    bool
	urgent       bool      // it may overtake what is gathered
	text         string    // that people see
	words        []string  // of the text, as its publisher wrote them
	copies       []*stored // messages that carry it
	brokers      []int     // that store them
	partition    string    // broker and partition of the first
	showings     []showing
	deadLettered bool
	expired      bool       // a worker has taken it for too old
	hidden       bool       // and has not even counted it
	resolves     *int       // number of the one whose end it tells
	refused      int        // how often the room has refused it; what it swallows counts half
	delayed      bool       // it has, and others may be shown first
	turnedAway   []*session // in which the room did not show it, perhaps for a passing reason
	exempt       bool       // others may never see it: its worker went away together with the server
}

// showing is one time that the room has shown a notification.
type showing struct {
	at         time.Time
	session    *session
	nick       string
	nth        int  // of all that was shown
	refused    int  // how often the room had refused it before
	senderOnly bool // others were not shown it: the server died before
	abandoned  bool // its worker had given up the connection
}

// session is one session of a worker in the room.
type session struct {
	link     *link
	joined   time.Time
	replayed map[int][]string // what the room said at the join that it had shown, and under which nicknames
}

// workerState is what is known of one process.
type workerState struct {
	inside             bool           // it is in the room
	key                string         // of its ids
	pending            map[string]int // by broker: messages received and not settled
	maxPending         int            // that may be
	bytes              map[string]int // of them
	maxBytes           int            // that may be, but for the last message; 0: no bound
	unacked            map[int]int    // shown and not durably acknowledged: by notification, in which message
	maxUnacked         int            // such messages that may be
	recallable         int            // messages that the room has told, or can tell
	durable            map[int]bool   // acknowledged for good, or given up
	young              map[int]bool   // given to it when they were not too old
	released           map[int]bool   // to a broker: who gets them next is not to know
	possibleDuplicates int            // messages that it has counted
	resent             map[repeat]bool
}

// repeat is a message of a worker that it has posted again in a session, as a whole or
// in parts.
type repeat struct {
	nth     int // of all that was shown
	session *session
}

func newObserver(p *Plan) *observer {
	o := &observer{
		start: time.Now(), records: map[int]*record{}, sessions: map[string]*session{}, workers: map[string]*workerState{},
		idsKept: p.Room.keepsIDs(), corrections: newCorrections(p), largest: p.Bytes / len(p.Brokers), most: 1, inFlight: p.InFlight, stuck: -1, together: p.together(), maxAge: time.Duration(p.MaxAge),
		clockSet: p.Room.Archive && slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Do == "clock" }),
	}
	for _, n := range p.Notifications {
		o.expect(n)
	}
	return o
}

// expect makes the records of what will be published.
func (o *observer) expect(n Notification) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.most = max(o.most, n.Parts)
	for _, number := range n.numbers() {
		r := o.records[number]
		if r == nil {
			r = &record{
				number: number, malformed: n.Malformed, urgent: n.Urgent, resolves: n.Resolves, text: n.look(), words: []string{n.subject(), n.rest()},
			}
			o.records[number] = r
		}
		r.brokers = append(r.brokers, n.Broker)
	}
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

// started is when a process starts.
func (o *observer) started(p *process, key string, plan *Plan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.workers[p.name] = &workerState{
		key: key, pending: map[string]int{}, maxPending: plan.mostPending(), bytes: map[string]int{}, maxBytes: plan.Bytes / len(plan.Brokers),
		unacked: map[int]int{}, maxUnacked: max(plan.InFlight, len(plan.Brokers)), durable: map[int]bool{}, young: map[int]bool{}, released: map[int]bool{}, resent: map[repeat]bool{},
	}
	o.say("worker %s starts", p.name)
}

// exited is when a process ends, by itself or not. What it has seen last it cannot
// show again.
func (o *observer) exited(p *process) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.records {
		r.exempt = r.exempt || slices.ContainsFunc(r.showings, func(s showing) bool { return s.senderOnly && s.session.link.owner == p })
	}
}

// late is when the server is late with what it has been sent, and for a while after.
func (o *observer) late(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if until := time.Now().Add(d); until.After(o.prompt) {
		o.prompt = until
	}
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

// event is what a worker's room tells of itself.
func (o *observer) event(p *process, e sink.Event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := o.workers[p.name]
	switch e.Kind {
	case sink.Joined:
		w.maxUnacked, w.inside = max(w.maxUnacked, w.recallable/2), true // half of what a room can tell is left to others
		o.say("worker %s is in the room", p.name)
	case sink.Left:
		w.inside = false
		o.departures++
		o.say("worker %s is not in the room: %.120v", p.name, e.Err)
	case sink.Resent:
		w.possibleDuplicates += e.PossibleDuplicates
		o.say("worker %s has sent %d messages again, %d of them may be shown twice", p.name, e.Resent, e.PossibleDuplicates)
		most := 3 * o.inFlight
		if o.refusals || o.again { // what is refused again and again gives its places to others
			most += o.inFlight
		}
		if e.PossibleDuplicates > most && !o.together { // which may be taken apart
			o.wrong("worker %s has sent %d messages again that may be shown twice, more than %d", p.name, e.PossibleDuplicates, most)
		}
	case sink.Connected, sink.Bounced, sink.Limited, sink.Voice:
	}
}
