package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// digestsShown knows whether a room is busy with digests.
type digestsShown struct {
	mu   sync.Mutex
	busy int
	idle chan struct{} // closed when it is not; nil: nobody waits
}

func (d *digestsShown) add(change int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy += change; d.busy == 0 && d.idle != nil {
		close(d.idle)
		d.idle = nil
	}
}

func (r *room) HoldsDigests() <-chan struct{} {
	d := &r.digests
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy > 0 && d.idle == nil {
		d.idle = make(chan struct{})
	}
	return d.idle
}

// submitDigest shows a digest after a second: without the members that are lost by
// then, and if only one is left as what it would have been alone.
func (r *room) submitDigest(m sink.Message) {
	r.digests.add(+1)
	r.posts.Go(func() {
		defer r.digests.add(-1)
		time.Sleep(time.Second)
		var which []int
		for i, member := range m.Members {
			select {
			case <-member.Lost:
				member.Done(sink.Result{Outcome: sink.Dropped, Err: sink.ErrLost})
			default:
				which = append(which, i)
			}
		}
		if len(which) == 0 {
			return
		}
		body, _ := m.Compose(which)
		r.add("post %s", body)
		answer := r.answer(body)
		for _, i := range which {
			m.Members[i].Done(sink.Result{Outcome: answer.Outcome, Err: answer.Err, ID: body, Together: len(which), Took: time.Second})
		}
	})
}

// stream is a source whose messages are published at certain times.
type stream struct {
	source
	at    []time.Duration // of each body, rising
	begun time.Time
	lost  chan struct{} // the lease of all; nil: never
	late  time.Duration // the age of all when they are published
	log   *watermark    // nil: an acknowledgement is durable at once
}

// watermark has an acknowledgement become durable when those of all before it are there.
type watermark struct {
	mu     sync.Mutex
	bodies []string // that are not durably acknowledged, in order
	acked  map[string]func()
}

func (w *watermark) ack(body string, durable func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked[body] = durable
	for len(w.bodies) > 0 && w.acked[w.bodies[0]] != nil {
		w.acked[w.bodies[0]]()
		w.bodies = w.bodies[1:]
	}
}

func (s *stream) publish(at time.Duration, bodies ...string) {
	for _, body := range bodies {
		s.bodies, s.at = append(s.bodies, body), append(s.at, at)
	}
}

func (s *stream) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	if len(s.bodies) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	select {
	case <-time.After(time.Until(s.begun.Add(s.at[0]))):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	n := 0
	for bytes := 0; n < len(s.bodies) && !time.Now().Before(s.begun.Add(s.at[n])) && limit.Fits(n, bytes, len(s.bodies[n])); n++ {
		bytes += len(s.bodies[n])
	}
	var batch []*sources.Delivery
	for i, body := range s.bodies[:n] {
		m := sources.Message{Broker: "kafka", Topic: "t", Time: s.begun.Add(s.at[i] - s.late), Raw: envelope.Raw{Body: []byte(body)}}
		leased := streamSettler{settler{&s.source, body}, s.lost}
		if s.log != nil {
			batch = append(batch, sources.NewDelivery(m, &logSettler{leased, s.log}))
			continue
		}
		batch = append(batch, sources.NewDelivery(m, &leased))
	}
	s.bodies, s.at = s.bodies[n:], s.at[n:]
	return batch, nil
}

type streamSettler struct {
	settler
	lost chan struct{}
}

func (s *streamSettler) Lost() <-chan struct{} { return s.lost }

// logSettler is a streamSettler whose log has a watermark.
type logSettler struct {
	streamSettler
	log *watermark
}

func (s *logSettler) Ack(durable func()) error {
	s.log.ack(s.body, durable)
	return s.streamSettler.Ack(func() {})
}

// scene is a worker with digests, and what its observer hears.
type scene struct {
	room    *room
	digests worker.DigestConfig
	bytes   int
	stop    time.Duration // 0: after an hour

	mu     sync.Mutex
	events []worker.Event
}

func newScene() *scene {
	joined := make(chan struct{})
	close(joined)
	return &scene{
		room: &room{
			tape: &tape{}, joined: joined, historyDepth: 20, maxMembers: 500,
			answer: func(string) sink.Result { return sink.Result{Outcome: sink.Delivered, Took: time.Second} },
		},
		digests: worker.DigestConfig{After: "2/1m", Every: 10 * time.Second, Max: 50, Severity: "critical"},
	}
}

// play runs the worker on the streams, and returns what happened and when, without
// the acknowledgements.
func (s *scene) play(streams ...*stream) []string {
	list := make([]sources.Source, len(streams))
	for i, each := range streams {
		each.tape, each.begun = s.room.tape, time.Now()
		list[i] = each
	}
	return s.run(list)
}

func (s *scene) run(from []sources.Source) []string {
	begun := time.Now()
	names := func(what string) func([]envelope.Summary) string {
		return func(list []envelope.Summary) string {
			var names []string
			for _, each := range list {
				names = append(names, each.Name)
			}
			return what + " " + strings.Join(names, " ")
		}
	}
	w := worker.Worker{
		Room: s.room, Sources: from, MaxInFlight: 2, Grace: 10 * time.Second, Log: slog.New(slog.DiscardHandler), MaxPendingBytes: s.bytes,
		Posts: worker.Posts{Render: func(e envelope.Envelope) string {
			s.room.add("%s after %s", e.Subject, time.Since(begun).Round(time.Second))
			return e.Subject
		}},
		Digests: worker.Digests{DigestConfig: s.digests, Text: names("digest"), ExpiredText: names("expired")},
		Observe: func(e worker.Event) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.events = append(s.events, e)
		},
	}
	if s.stop == 0 {
		s.stop = time.Hour
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.stop)
	defer cancel()
	if err := w.Run(ctx); err != nil {
		s.room.add("error %v", err)
	}
	return s.posts()
}

func (s *scene) posts() []string {
	var posts []string
	for _, event := range s.room.events {
		if text, ok := strings.CutPrefix(event, "post "); ok {
			posts = append(posts, text)
		}
	}
	return posts
}

func (s *scene) expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// settledOnce checks that each message is acknowledged, and once.
func (s *scene) settledOnce(t *testing.T, bodies ...string) {
	t.Helper()
	for _, body := range bodies {
		if n := s.room.count("ack " + body); n != 1 {
			t.Errorf("%s was acknowledged %d times", body, n)
		}
	}
}

func critical(n int) string {
	return fmt.Sprintf(`{"subject":"%d","severity":"critical"}`, n)
}

func numbered(from, to int) []string {
	var list []string
	for n := from; n <= to; n++ {
		list = append(list, title(n))
	}
	return list
}

func TestFewNotificationsAreShownAloneAndAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		st.publish(0, title(1), title(2))
		st.publish(time.Minute, title(3))
		st.publish(2*time.Minute, title(4), title(5))
		s.expect(t, s.play(st), "1", "2", "3", "4", "5")
		for _, want := range []string{"1 after 0s", "3 after 1m0s", "5 after 2m0s"} {
			if !s.room.has(want) {
				t.Errorf("lacks %q: %q", want, s.room.events)
			}
		}
	})
}

func TestAStormIsShownTogetherInTheOrderOfItsSource(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		bodies := numbered(1, 60)
		st.publish(0, bodies...)
		got := s.play(st)
		if len(got) < 3 || len(got) > 5 || got[0] != "1" || got[1] != "2" {
			t.Errorf("got %q", got)
		}
		var shown []string
		for _, post := range got {
			shown = append(shown, strings.Fields(strings.TrimPrefix(post, "digest "))...)
		}
		for i := range 60 {
			if i >= len(shown) || shown[i] != fmt.Sprint(i+1) {
				t.Fatalf("shown are %q", shown)
			}
		}
		s.settledOnce(t, bodies...)
	})
}

// The second digest comes DIGEST_EVERY after the first, and holds what came meanwhile.
func TestADigestIsSentEveryFewSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		for n := range 24 { // one a second
			st.publish(time.Duration(n)*time.Second+time.Duration(n)*time.Millisecond, title(n))
		}
		s.expect(t, s.play(st), "0", "1", "digest 2 3 4 5 6 7 8 9 10 11", "digest 12 13 14 15 16 17 18 19 20 21", "digest 22 23")
	})
}

func TestACriticalOneOvertakesWhatIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		st.publish(0, numbered(1, 5)...)
		st.publish(3*time.Second, title(6), critical(7), title(8))
		s.expect(t, s.play(st), "1", "2", "7", "digest 3 4 5 6 8")
		if !s.room.has("7 after 3s") {
			t.Errorf("was late: %q", s.room.events)
		}
	})
}

// The room shows one digest in a second. What is critical waits for none but the one that
// is in flight, and is found behind all the others.
func TestACriticalOneInTheMiddleOfAStormIsShownAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		bodies := append(append(numbered(1, 300), critical(1000)), numbered(301, 400)...)
		st.publish(time.Millisecond, bodies...)
		got := s.play(st)
		if !s.room.has("1000 after 0s") || slices.Index(got, "1000") != 2 {
			t.Errorf("got %.200q", got)
		}
		s.settledOnce(t, bodies...)
	})
}

// Those shown alone before it are not acknowledged yet, and will be.
func TestACriticalOneOvertakesAlthoughMuchIsUnacknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		s.digests.After, s.room.historyDepth = "12/1h", 16
		st.publish(0, append(numbered(1, 20), critical(99))...)
		s.expect(t, s.play(st)[12:], "99", "digest 13 14 15 16 17 18 19 20")
	})
}

// A recovery that is gathered, and then an alarm of the same host: who reads them in another
// order takes the alarm for resolved.
func TestACriticalOneDoesNotOvertakeItsOwn(t *testing.T) {
	for what, before := range map[string]string{
		"the same alert": `{"subject":"disk","hostName":"db-1","severity":"warning"}`,
		"its end":        `{"subject":"all is well","hostName":"db-1","state":"resolved"}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			s, st := newScene(), &stream{}
			st.publish(0, title(1), title(2), title(3), before)
			st.publish(time.Second, `{"subject":"disk","hostName":"db-2","severity":"critical"}`, `{"subject":"disk","hostName":"db-1","severity":"critical"}`)
			got := s.play(st)
			if len(got) != 5 || got[2] != "disk" || !strings.HasPrefix(got[4], "digest 3 ") && !strings.HasPrefix(got[3], "digest 3 ") {
				t.Errorf("%s: got %q", what, got)
			}
			if !s.room.has("disk after 1s") {
				t.Errorf("%s: was late: %q", what, s.room.events)
			}
		})
	}
}

// What has overtaken others is acknowledged after them. It must leave a place for them.
func TestWhatOvertakesLeavesAPlaceForWhatIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		s.digests.After, s.room.historyDepth = "20/1h", 4
		bodies := numbered(1, 25)
		for n := range 10 {
			bodies = append(bodies, critical(100+n))
		}
		st.publish(0, bodies...)
		st.log = &watermark{bodies: bodies, acked: map[string]func(){}}
		s.play(st)
		s.settledOnce(t, bodies...)
	})
}

// The room is made again meanwhile, and its history is short: the place that was left is
// not one of those any more.
func TestWhatIsGatheredKeepsThePlaceThatWasLeftToIt(t *testing.T) {
	expired := `{"subject":"old","expires":"1999-01-01T00:00:00Z"}`
	for want, bodies := range map[string][]string{
		"digest 3 4":  append(numbered(1, 4), critical(5), critical(6)),
		"expired old": {expired, title(1), title(2)},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, st := newScene(), &stream{log: &watermark{bodies: slices.Clone(bodies), acked: map[string]func(){}}}
			last := len(bodies) - 1
			st.publish(0, bodies[:last]...)
			st.publish(5*time.Second, bodies[last])
			s.room.answer = func(body string) sink.Result {
				if strings.Contains(bodies[last], `"`+body+`"`) {
					s.room.historyDepth = 2
				}
				return sink.Result{Outcome: sink.Delivered, Took: time.Second}
			}
			if got := s.play(st); got[len(got)-1] != want {
				t.Errorf("got %q, want %q as the last", got, want)
			}
			s.settledOnce(t, bodies...)
		})
	}
}

// Resolved ones wait, and so do too many critical ones.
func TestCriticalOnesHaveARateOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		for n := range 6 {
			st.publish(0, critical(n))
		}
		got := s.play(st)
		s.expect(t, got, "0", "1", "2", "3", "digest 4 5")
	})
}

func TestADeliveryWithSeveralIsGatheredWholeOrNotAtAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		st.publish(0, title(1), batch("a", "b", "c"), title(2))
		s.expect(t, s.play(st), "1", "digest a b c 2")
		s.settledOnce(t, title(1), batch("a", "b", "c"), title(2))
	})
}

func TestWhatIsGatheredAloneIsShownAsEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		st.publish(0, numbered(1, 3)...)
		s.expect(t, s.play(st), "1", "2", "3")
		if !s.room.has("3 after 11s") { // the room takes a second to compose it
			t.Errorf("got %q", s.room.events)
		}
	})
}

func TestWithoutTheSettingOrTheRoomsHelpAllAreShownAlone(t *testing.T) {
	for what, change := range map[string]func(*scene){
		"DIGEST_AFTER is empty":              func(s *scene) { s.digests.After = "" },
		"the room shows none of several":     func(s *scene) { s.room.maxMembers = 0 },
		"nothing is set but the age":         func(s *scene) { s.digests = worker.DigestConfig{MaxAge: time.Hour} },
		"more is allowed than there will be": func(s *scene) { s.digests.After = "100/1m" },
	} {
		synctest.Test(t, func(t *testing.T) {
			s, st := newScene(), &stream{}
			change(s)
			st.publish(0, numbered(1, 9)...)
			if got := s.play(st); len(got) != 9 {
				t.Errorf("%s: got %q", what, got)
			}
		})
	}
}

func TestAStopSendsWhatIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		s.stop = 5 * time.Second
		st.publish(0, numbered(1, 6)...)
		s.expect(t, s.play(st), "1", "2", "digest 3 4 5 6")
		s.settledOnce(t, numbered(1, 6)...)
	})
}

// A partition that moves takes along what is gathered: its next owner waits for it.
func TestWhatIsLostLeavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st, other := newScene(), &stream{lost: make(chan struct{})}, &stream{source: source{name: "other"}}
		st.publish(0, numbered(1, 4)...)
		other.publish(time.Second, numbered(5, 6)...)
		go func() {
			time.Sleep(4 * time.Second)
			close(st.lost)
		}()
		s.stop = 5 * time.Second
		s.play(st, other)
		for _, n := range []int{3, 4} {
			if !s.room.has("release "+title(n)) || s.room.has("ack "+title(n)) {
				t.Errorf("%d was not given back: %q", n, s.room.events)
			}
		}
		if released, stopped := slices.Index(s.room.events, "release "+title(3)), slices.Index(s.room.events, "post digest 5 6"); released > stopped {
			t.Errorf("given back too late: %q", s.room.events)
		}
	})
}

// What is pending is bounded in bytes. If all of it is gathered, nothing would ever
// come to fill the digest.
func TestADigestIsSentWhenNothingMoreCanBeReceived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		s.bytes, s.digests.Every = 100, time.Hour
		s.stop = time.Minute
		bodies := numbered(10, 39) // two alone, and seven at once are 98 bytes
		st.publish(0, bodies...)
		got := s.play(st)
		s.settledOnce(t, bodies...)
		if len(got) != 6 {
			t.Errorf("got %q", got)
		}
	})
}

// A digest is one message of those that the room can tell.
func TestADigestTakesOnePlaceOfTheUnacknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{source: source{undurable: true}}
		s.room.historyDepth = 3
		st.publish(0, numbered(1, 100)...)
		s.play(st)
		if n := s.room.count("ack "); n != 52 { // two alone and one digest
			t.Errorf("%d were shown, and none of them durably acknowledged", n)
		}
	})
}

// So does one of which all was shown before: it keeps back nothing that could prove that
// the room is well.
func TestADigestThatWasShownBeforeDoesNotKeepTheProofBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{source: source{undurable: true}}
		s.room.historyDepth, s.room.yielded, s.digests.Max = 2, 1, 2
		s.room.answer = func(text string) sink.Result {
			switch {
			case text == "1":
				time.Sleep(2 * time.Hour)
				return sink.Result{Outcome: sink.Dropped}
			case text == "2", strings.HasPrefix(text, "digest"):
				return sink.Result{Outcome: sink.Suppressed}
			default:
				return sink.Result{Outcome: sink.Delivered}
			}
		}
		st.publish(0, numbered(1, 8)...)
		st.publish(time.Minute, critical(9))
		s.play(st)
		s.settledOnce(t, append(numbered(2, 8), critical(9))...)
	})
}

func TestDigestsAreToldOf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &stream{}
		st.publish(0, numbered(1, 6)...)
		s.play(st)
		var digests, members int
		for _, e := range s.events {
			switch {
			case e.Kind == worker.Digested:
				digests++
				if e.Together != 4 || e.StanzaID != "digest 3 4 5 6" || e.Took != time.Second {
					t.Errorf("got %+v", e)
				}
			case e.Kind == worker.Delivered && e.Together > 1:
				members++
				if e.StanzaID != "digest 3 4 5 6" || e.Took != 0 {
					t.Errorf("got %+v", e)
				}
			}
		}
		if digests != 1 || members != 4 {
			t.Errorf("%d digests with %d members were told of", digests, members)
		}
	})
}

func TestWhatComesTooLateIsCountedInOneLine(t *testing.T) {
	past := `{"subject":"%d","expires":"1999-01-01T00:00:00Z"}`
	synctest.Test(t, func(t *testing.T) { // by its own word
		s, st := newScene(), &stream{}
		s.digests.After = ""
		st.publish(0, fmt.Sprintf(past, 1), title(2), fmt.Sprintf(past, 3))
		s.expect(t, s.play(st), "2", "expired 1 3")
		s.settledOnce(t, fmt.Sprintf(past, 1), title(2), fmt.Sprintf(past, 3))
		if n := len(s.of(worker.Expired)); n != 2 {
			t.Errorf("%d have expired", n)
		}
	})
	synctest.Test(t, func(t *testing.T) { // by MAX_AGE
		s, old, fresh := newScene(), &stream{late: 2 * time.Hour}, &stream{source: source{name: "fresh"}}
		s.digests.MaxAge = time.Hour
		old.publish(0, title(1), title(2))
		fresh.publish(0, title(3))
		s.expect(t, s.play(old, fresh), "3", "expired 1 2")
	})
	mixed := func(n int) string { return "[" + fmt.Sprintf(past, n) + "," + title(n+1) + "]" }
	synctest.Test(t, func(t *testing.T) { // beside one that has not, and is shown alone
		s, st := newScene(), &stream{}
		s.digests.After = ""
		st.publish(0, mixed(1))
		s.expect(t, s.play(st), "2", "expired 1")
		s.settledOnce(t, mixed(1))
		if n := len(s.of(worker.Expired)); n != 1 {
			t.Errorf("%d have expired", n)
		}
	})
	synctest.Test(t, func(t *testing.T) { // or with others
		s, st := newScene(), &stream{}
		s.digests.After = "1/1h"
		st.publish(0, title(1), mixed(2), mixed(4))
		s.expect(t, s.play(st), "1", "digest 3 5\nexpired 2 4")
		s.settledOnce(t, title(1), mixed(2), mixed(4))
	})
	synctest.Test(t, func(t *testing.T) { // a line that the room refuses is no reason to acknowledge
		s, st := newScene(), &stream{}
		s.digests.After = ""
		s.room.answer = func(body string) sink.Result {
			if strings.HasPrefix(body, "expired") {
				return sink.Result{Outcome: sink.Rejected, Err: errors.New("refused")}
			}
			return delivered(body)
		}
		st.publish(0, mixed(1))
		s.play(st)
		if n := s.room.count("ack " + mixed(1)); n != 0 {
			t.Errorf("acknowledged %d times", n)
		}
		if n := len(s.of(worker.DeadLettered)); n != 1 {
			t.Errorf("%d dead letters", n)
		}
	})
	synctest.Test(t, func(t *testing.T) { // where nothing is shown together
		s, st := newScene(), &stream{}
		s.room.maxMembers = 0
		st.publish(0, fmt.Sprintf(past, 1), title(2))
		s.expect(t, s.play(st), "2")
		if hidden := s.of(worker.Filtered); len(hidden) != 1 || hidden[0].Why != worker.WhyExpired {
			t.Errorf("got %+v", hidden)
		}
	})
}

// Kafka commits what is shown behind a notification that has expired only after the line that
// counts that one: it must have a place, however much is shown meanwhile.
func TestWhatFollowsSomethingThatHasExpiredDoesNotHoldItUp(t *testing.T) {
	expired := `{"subject":"old %d","expires":"1999-01-01T00:00:00Z"}`
	for after, history := range map[string]int{"": 4, "3/1h": 4, "1/1h": 1} {
		synctest.Test(t, func(t *testing.T) {
			s, bodies := newScene(), []string{}
			s.digests.After, s.room.historyDepth = after, history
			for i := range 10 {
				bodies = append(bodies, fmt.Sprintf(expired, i), title(2*i), title(2*i+1))
			}
			st := &stream{log: &watermark{bodies: slices.Clone(bodies), acked: map[string]func(){}}}
			st.publish(0, bodies...)
			s.play(st)
			s.settledOnce(t, bodies...)
		})
	}
	synctest.Test(t, func(t *testing.T) { // nor does a digest that is full sooner
		s, bodies := newScene(), []string{title(1), fmt.Sprintf(expired, 2), title(3), title(4)}
		s.digests.After, s.digests.Max, s.room.historyDepth = "1/1h", 2, 1
		st := &stream{log: &watermark{bodies: slices.Clone(bodies), acked: map[string]func(){}}}
		st.publish(0, bodies...)
		s.expect(t, s.play(st), "1", "expired old 2", "digest 3 4")
		s.settledOnce(t, bodies...)
	})
}

func (s *scene) of(kind worker.EventKind) []worker.Event {
	return slices.DeleteFunc(slices.Clone(s.events), func(e worker.Event) bool { return e.Kind != kind })
}

// The room shows two in a second, and 1000 wait: that is too long for people.
func TestABacklogIsShownTogetherAlthoughEachCouldBeShownAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, st := newScene(), &lagging{}
		s.digests.After, s.room.historyDepth = "10000/1m", 2
		st.publish(0, numbered(1, 1000)...)
		st.tape, st.begun = s.room.tape, time.Now()
		got := s.run([]sources.Source{st})
		if len(got) > 200 {
			t.Errorf("%d posts", len(got))
		}
		s.settledOnce(t, numbered(1, 1000)...)
	})
}

// lagging tells how many messages wait.
type lagging struct{ stream }

func (l *lagging) Status() sources.Status {
	return sources.Status{Receiving: true, Lag: int64(len(l.bodies))}
}

// An outage is told with the age of what waits.
func TestTheOldestOfWhatWaitsIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		joined := make(chan struct{})
		close(joined)
		r := &room{tape: &tape{}, joined: joined, answer: delivered, down: true}
		st := &stream{source: source{tape: r.tape}, begun: time.Now(), late: time.Minute}
		st.publish(time.Second, title(1))
		st.publish(2*time.Second, title(2))
		w := worker.Worker{
			Room: r, Sources: []sources.Source{st}, MaxInFlight: 2, Grace: time.Second, Log: slog.New(slog.DiscardHandler),
			Posts: worker.Posts{Render: func(envelope.Envelope) string { return "" }},
		}
		if n, oldest := w.Waiting(); n != 0 || !oldest.IsZero() {
			t.Errorf("at first %d wait, the oldest of %v", n, oldest)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		time.Sleep(3 * time.Second)
		if n, oldest := w.Waiting(); n != 2 || !oldest.Equal(st.begun.Add(time.Second-time.Minute)) {
			t.Errorf("%d wait, the oldest of %v", n, oldest)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
