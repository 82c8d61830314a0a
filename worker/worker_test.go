package worker_test

import (
	"cmp"
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

// tape records what happens, in order.
type tape struct {
	mu     sync.Mutex
	events []string
}

func (t *tape) add(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, fmt.Sprintf(format, args...))
}

func (t *tape) has(event string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.events, event)
}

func (t *tape) count(prefix string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, event := range t.events {
		if strings.HasPrefix(event, prefix) {
			n++
		}
	}
	return n
}

// room is a room that shows what it gets after a second, unless answer says
// otherwise. While it is down nothing is shown.
type room struct {
	*tape
	answer func(body string) sink.Result
	down   bool
	joined chan struct{}
	posts  sync.WaitGroup
	// historyDepth is how many messages it can tell; 0 means 2.
	historyDepth int
	// yielded is how many it does not show and does not wait for.
	yielded int
	// awaitProof is how many of these await a later one; nil: all.
	awaitProof func() int
	// maxMembers is how many notifications a message may show.
	maxMembers int
	digests    digestsShown
}

func (r *room) Run(ctx context.Context) error {
	<-ctx.Done()
	r.posts.Wait()
	r.add("room left")
	return nil
}

func (r *room) Joined(ctx context.Context) error {
	select {
	case <-r.joined:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r *room) Submit(_ context.Context, m sink.Message) error {
	if m.Members != nil {
		r.submitDigest(m)
		return nil
	}
	r.add("post %s", m.Body)
	r.posts.Go(func() {
		if time.Sleep(time.Second); r.down {
			time.Sleep(time.Hour)
			m.Done(sink.Result{Outcome: sink.Dropped, Err: sink.ErrClosed})
			return
		}
		m.Done(r.answer(m.Body))
	})
	return nil
}

func (r *room) HistoryDepth() int { return max(r.historyDepth, 2) }
func (r *room) Yielded() int      { return r.yielded }
func (r *room) MaxMembers() int   { return r.maxMembers }

func (r *room) AwaitProof() int {
	if r.awaitProof == nil {
		return r.yielded
	}
	return r.awaitProof()
}

// source delivers what it was given, and then nothing.
type source struct {
	*tape
	bodies  []string
	fail    int // this many calls first
	rejects int // this many rejections fail
	stuck   string
	stopped bool

	undurable bool   // acknowledgements never become durable
	name      string // "": test
}

func (s *source) Receive(ctx context.Context, limit sources.Limit) ([]*sources.Delivery, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if s.fail > 0 {
		s.fail--
		return nil, errors.New("broker is away")
	}
	if len(s.bodies) == 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	n := 0
	for bytes := 0; n < len(s.bodies) && limit.Fits(n, bytes, len(s.bodies[n])); n++ {
		bytes += len(s.bodies[n])
	}
	var batch []*sources.Delivery
	for _, body := range s.bodies[:n] {
		m := sources.Message{Broker: "test", Raw: envelope.Raw{Body: []byte(body)}}
		batch = append(batch, sources.NewDelivery(m, &settler{s, body}))
	}
	s.bodies = s.bodies[n:]
	return batch, nil
}

func (s *source) Stop()                       { s.stopped = true }
func (s *source) Close(context.Context) error { s.add("source closed"); return nil }
func (s *source) String() string              { return cmp.Or(s.name, "test") }

type settler struct {
	source *source
	body   string
}

func (s *settler) Ack(durable func()) error {
	s.source.add("ack %s", s.body)
	if !s.source.undurable {
		durable()
	}
	return nil
}

func (s *settler) Release(time.Duration) error { s.source.add("release %s", s.body); return nil }
func (s *settler) Lost() <-chan struct{}       { return nil }

func (s *settler) Reject(_ context.Context, reason sources.Reason) error {
	if s.source.rejects > 0 || s.body == s.source.stuck {
		s.source.rejects--
		return errors.New("dead letters are away")
	}
	s.source.add("reject %s: %s", s.body, reason.Code)
	return nil
}

func delivered(string) sink.Result { return sink.Result{Outcome: sink.Delivered} }

func title(n int) string { return fmt.Sprintf(`{"subject":"%d"}`, n) }

// run runs a worker for an hour of the bubble's time and returns the tape.
func run(r *room, sourceList ...*source) *tape { return runFiltered(nil, r, sourceList...) }

func runFiltered(hide func(*envelope.Envelope) string, r *room, sourceList ...*source) *tape {
	return runGrouped(0, hide, r, sourceList...)
}

func runGrouped(above int, hide func(*envelope.Envelope) string, r *room, sourceList ...*source) *tape {
	r.tape = &tape{}
	if r.joined == nil {
		r.joined = make(chan struct{})
		close(r.joined)
	}
	w := worker.Worker{
		Room: r, MaxInFlight: 2, Grace: 10 * time.Second, Log: slog.New(slog.DiscardHandler),
		Posts: worker.Posts{Render: func(e envelope.Envelope) string { return e.Subject }, Filter: hide, GroupAbove: above},
	}
	for _, s := range sourceList {
		s.tape = r.tape
		w.Sources = append(w.Sources, s)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := w.Run(ctx); err != nil {
		r.add("error %v", err)
	}
	return r.tape
}

func expect(t *testing.T, got *tape, want ...string) {
	t.Helper()
	if !slices.Equal(got.events, want) {
		t.Errorf("got  %q\nwant %q", got.events, want)
	}
}

func TestAcknowledgesOnlyWhatTheRoomHasShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered}, &source{bodies: []string{title(1)}})
		expect(t, got, "post 1", "ack "+title(1), "room left", "source closed")
	})
}

func TestNeverHasMoreUnacknowledgedThanTheHistoryShows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered}, &source{bodies: []string{title(1), title(2), title(3)}})
		if i, j := slices.Index(got.events, "post 3"), slices.IndexFunc(got.events, func(e string) bool { return e[:3] == "ack" }); i < j {
			t.Errorf("a third message was posted before one was acknowledged: %q", got.events)
		}
	})
}

// What the broker is told may take long to be durable. Meanwhile more can be
// posted, if the room could tell what it has shown of it.
func TestUnacknowledgedFollowsTheHistory(t *testing.T) {
	for historyDepth, want := range map[int]int{2: 2, 5: 5} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{undurable: true}
			for i := range 9 {
				s.bodies = append(s.bodies, title(i))
			}
			got := run(&room{answer: delivered, historyDepth: historyDepth}, s)
			if n := got.count("ack "); n != want {
				t.Errorf("%d were shown, and none of them durably acknowledged, want %d: %q", n, want, got.events)
			}
		})
	}
}

// A partition of Kafka may begin with a message that the room never shows, and others
// that it has shown to a worker before us: they cannot be committed before the first.
// Only a later one can prove that the room is well.
func TestWhatWasShownBeforeDoesNotKeepTheProofBack(t *testing.T) {
	for yielded, want := range map[int]int{0: 0, 1: 1, 2: 1} {
		synctest.Test(t, func(t *testing.T) {
			r := &room{historyDepth: 3, yielded: yielded, answer: func(body string) sink.Result {
				switch {
				case strings.HasPrefix(body, "never"):
					time.Sleep(2 * time.Hour)
					return sink.Result{Outcome: sink.Dropped}
				case strings.HasPrefix(body, "before"):
					return sink.Result{Outcome: sink.Suppressed}
				default:
					return sink.Result{Outcome: sink.Delivered}
				}
			}}
			r.awaitProof = func() int {
				if r.count("post new") > 0 {
					return 0
				}
				return yielded
			}
			s := &source{undurable: true}
			for i := range max(1, yielded) {
				s.bodies = append(s.bodies, fmt.Sprintf(`{"subject":"never %d"}`, i))
			}
			for i := range 9 {
				s.bodies = append(s.bodies, fmt.Sprintf(`{"subject":"before %d"}`, i))
			}
			s.bodies = append(s.bodies, `{"subject":"new 1"}`, `{"subject":"new 2"}`)
			got := run(r, s)
			if n := got.count(`ack {"subject":"new`); n != want {
				t.Errorf("with %d that the room does not show, %d that are new were shown, want %d: %q", yielded, n, want, got.events)
			}
		})
	}
}

// The same if we have shown the others, and the proof that there was went with the
// connection: one more is sent than the history tells.
func TestWhatIsShownDoesNotKeepTheProofBack(t *testing.T) {
	for yielded, want := range map[int]int{0: 4, 1: 5} {
		synctest.Test(t, func(t *testing.T) {
			r := &room{historyDepth: 5, yielded: yielded, answer: func(body string) sink.Result {
				if strings.HasPrefix(body, "never") {
					time.Sleep(2 * time.Hour)
					return sink.Result{Outcome: sink.Dropped}
				}
				return sink.Result{Outcome: sink.Delivered}
			}}
			r.awaitProof = func() int {
				if r.count("post ") > r.historyDepth {
					return 0
				}
				return yielded
			}
			s := &source{undurable: true, bodies: []string{`{"subject":"never"}`}}
			for i := range 9 {
				s.bodies = append(s.bodies, title(i))
			}
			got := run(r, s)
			if n := got.count("ack "); n != want {
				t.Errorf("with %d that the room does not show, %d were shown, want %d: %q", yielded, n, want, got.events)
			}
		})
	}
}

func TestSuppressedDuplicatesAreAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		suppressed := func(string) sink.Result { return sink.Result{Outcome: sink.Suppressed} }
		got := run(&room{answer: suppressed}, &source{bodies: []string{title(1)}})
		expect(t, got, "post 1", "ack "+title(1), "room left", "source closed")
	})
}

func TestMalformedMessagesAreRejectedAndHoldNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered}, &source{bodies: []string{"{}", title(2)}, rejects: 50})
		if !got.has("reject {}: decode") || !got.has("ack "+title(2)) || got.has("post ") {
			t.Errorf("got %q", got.events)
		}
		if slices.Index(got.events, "ack "+title(2)) > slices.Index(got.events, "reject {}: decode") {
			t.Errorf("the message behind waited for the dead letter: %q", got.events)
		}
	})
}

func TestWhatTheRoomRefusesIsRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(string) sink.Result { return sink.Result{Outcome: sink.Rejected, Err: errors.New("too rude")} }
		got := run(&room{answer: refuse}, &source{bodies: []string{title(1)}})
		expect(t, got, "post 1", "reject "+title(1)+": rejected", "room left", "source closed")
	})
}

func TestFailuresOfTheBrokerAreRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		got := run(&room{answer: delivered}, &source{bodies: []string{title(1)}, fail: 5})
		expect(t, got, "post 1", "ack "+title(1), "room left", "source closed")
		if d := time.Since(start); d > time.Hour+10*time.Second {
			t.Errorf("stopped late, after %s", d)
		}
	})
}

func TestNothingIsReceivedBeforeTheRoomIsJoined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &source{bodies: []string{title(1)}}
		run(&room{answer: delivered, joined: make(chan struct{})}, s)
		if len(s.bodies) != 1 {
			t.Error("a message was taken from the broker while nobody could deliver it")
		}
		if !s.stopped {
			t.Error("the source was not told of the stop, and keeps what is for others")
		}
	})
}

func TestStopReleasesWhatIsNotShownWithinTheGracePeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered, down: true}, &source{bodies: []string{title(1), title(2), title(3)}})
		slices.Sort(got.events[3:5]) // they come back together
		expect(t, got, "post 1", "post 2", "release "+title(3), "release "+title(1), "release "+title(2), "room left", "source closed")
	})
}

func TestDeadLettersUnavailableAtTheStopAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered}, &source{bodies: []string{"{}"}, rejects: 1 << 30})
		expect(t, got, "release {}", "room left", "source closed")
	})
}

func TestADeadLetterThatCannotBeWrittenHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered}, &source{bodies: []string{"{}", "[]", title(1), "[ ]"}, stuck: "{}"})
		slices.Sort(got.events[:3])
		expect(t, got, "post 1", "reject [ ]: decode", "reject []: decode", "ack "+title(1), "release {}", "room left", "source closed")
	})
}

func TestSourcesShareTheRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle := &source{}
		got := run(&room{answer: delivered}, idle, &source{bodies: []string{title(1), title(2), title(3)}})
		for i := 1; i <= 3; i++ {
			if !got.has("ack " + title(i)) {
				t.Errorf("%d was not delivered beside an idle source: %q", i, got.events)
			}
		}
	})
}

// batch is one message with several notifications.
func batch(titles ...string) string {
	var events []string
	for _, title := range titles {
		events = append(events, fmt.Sprintf(`{"specversion":"1.0","type":"t","source":"/s","id":%q,"data":{"title":%q}}`, title, title))
	}
	return "[" + strings.Join(events, ",") + "]"
}

func TestABatchIsAcknowledgedAfterItsLastNotification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := batch("1", "2", "3") // one more than may be in flight
		got := run(&room{answer: delivered}, &source{bodies: []string{body, title(4)}})
		slices.Sort(got.events[4:6]) // which goes first depends on the room
		expect(t, got, "post 1", "post 2", "post 3", "ack "+body, "ack "+title(4), "post 4", "room left", "source closed")
	})
}

func TestABatchWithARefusedNotificationIsRejectedAsAWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := func(body string) sink.Result {
			if body == "1" {
				return sink.Result{Outcome: sink.Rejected, Err: errors.New("too rude")}
			}
			return delivered(body)
		}
		got := run(&room{answer: refuse}, &source{bodies: []string{batch("1", "2")}})
		expect(t, got, "post 1", "post 2", "reject "+batch("1", "2")+": rejected", "room left", "source closed")
	})
}

// What the room has shown of a batch comes again after a crash, until the dead
// letter of the batch is written. So it counts as unacknowledged.
func TestABatchThatIsPartlyShownIsUnacknowledgedUntilItsDeadLetterIsWritten(t *testing.T) {
	refuse := func(body string) sink.Result {
		if body == "bad" {
			return sink.Result{Outcome: sink.Rejected, Err: errors.New("too rude")}
		}
		return delivered(body)
	}
	for fails, want := range map[int]int{1 << 30: 0, 3: 1} {
		synctest.Test(t, func(t *testing.T) {
			s := &source{bodies: []string{batch("bad", "1"), title(2), title(3)}, rejects: fails, undurable: true}
			got := run(&room{answer: refuse, historyDepth: 2}, s)
			if n := got.count("post 3"); n != want || got.count("post 2") != 1 {
				t.Errorf("dead letters fail %d times: what the history cannot recall was posted %d times, want %d: %q", fails, n, want, got.events)
			}
		})
	}
}

func TestABatchIsReleasedUnlessAllOfItIsShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := run(&room{answer: delivered, down: true}, &source{bodies: []string{batch("1", "2")}})
		expect(t, got, "post 1", "post 2", "release "+batch("1", "2"), "room left", "source closed")
	})
}

// TestManyNotificationsOfOneMessageAreOnePost has batches around GROUP_ABOVE.
// What is filtered does not count.
func TestManyNotificationsOfOneMessageAreOnePost(t *testing.T) {
	hide := func(e *envelope.Envelope) string {
		if e.Subject == "hidden" {
			return "match"
		}
		return ""
	}
	synctest.Test(t, func(t *testing.T) {
		for body, want := range map[string][]string{
			batch("1", "2", "hidden"): {"post 1", "post 2"},
			batch("1", "2", "3"):      {"post t: 3 notifications"},
		} {
			got := runGrouped(3, hide, &room{answer: delivered}, &source{bodies: []string{body}})
			expect(t, got, append(want, "ack "+body, "room left", "source closed")...)
		}
	})
	synctest.Test(t, func(t *testing.T) { // 1 means always, as far as there are several
		for body, want := range map[string]string{title(7): "post 7", batch("1", "2"): "post t: 2 notifications"} {
			got := runGrouped(1, nil, &room{answer: delivered}, &source{bodies: []string{body}})
			expect(t, got, want, "ack "+body, "room left", "source closed")
		}
	})
}

func TestBatchesOfTwoSourcesDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := batch("1", "2", "3"), batch("4", "5", "6")
		got := run(&room{answer: delivered}, &source{bodies: []string{one, one}}, &source{bodies: []string{two, two}})
		if !got.has("ack "+one) || !got.has("ack "+two) {
			t.Errorf("got %q", got.events)
		}
	})
}

func TestWhatIsFilteredIsAcknowledgedAndNotShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hide := func(e *envelope.Envelope) string {
			if e.Subject == "2" {
				return "even"
			}
			return ""
		}
		body := batch("1", "2", "3")
		got := runFiltered(hide, &room{answer: delivered}, &source{bodies: []string{title(2), body}})
		expect(t, got, "ack "+title(2), "post 1", "post 3", "ack "+body, "room left", "source closed")
	})
}
