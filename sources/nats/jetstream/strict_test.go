package jetstream_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
	source "github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// newStrict starts a server with the stream and a durable that serves one worker
// at a time.
func newStrict(t testing.TB) *broker {
	t.Helper()
	b := startServer(t)
	b.CreateStream(t)
	b.CreateConsumer(t, b.strict().Durable())
	return b
}

// strict are the settings of a source that keeps the order.
func (b *broker) strict() settings {
	cfg := b.config()
	cfg.Order, cfg.AckWait = "strict", natstest.AckWait
	return cfg
}

// unpin has the broker pin another worker, as an operator can.
func (b *broker) unpin(t testing.TB) {
	t.Helper()
	stream, err := b.JS.Stream(t.Context(), natstest.Stream)
	natstest.Must(t, err)
	natstest.Must(t, stream.UnpinConsumer(t.Context(), natstest.Durable, "xmpp-notifier"))
}

// pinTime is how long a worker may be silent before another is pinned.
const pinTime = natstest.AckWait * 3 / 2

// arrivesWithin returns what a source receives first, or nil after some time.
func arrivesWithin(t testing.TB, limit time.Duration, next <-chan []*sources.Delivery) []*sources.Delivery {
	t.Helper()
	select {
	case batch := <-next:
		return batch
	case <-time.After(limit):
		return nil
	}
}

func offsets(list []*sources.Delivery) []uint64 {
	var all []uint64
	for _, d := range list {
		all = append(all, d.Offset)
	}
	return all
}

// inOrder acknowledges what comes, and expects the numbers from first to last.
func (b *broker) inOrder(t testing.TB, next <-chan []*sources.Delivery, first, last uint64) {
	t.Helper()
	for first <= last {
		batch := arrivesWithin(t, sourcetest.Patience, next)
		if batch == nil {
			t.Fatalf("received nothing, want %d", first)
		}
		for _, d := range batch {
			if d.Offset != first {
				t.Errorf("received %d, want %d", d.Offset, first)
			}
			first++
		}
		sourcetest.Ack(t, batch...)
	}
	b.Settles(t, int(last)) //nolint:gosec // a few
}

// A worker that is full, and so asks for nothing, stays pinned.
func TestAFullWorkerStaysPinned(t *testing.T) {
	t.Parallel()
	b := newStrict(t)
	b.PublishNotes(t, 0, 20)
	first := b.use(t, b.strict())
	held := sourcetest.Next(t, first, 5)
	others := natstest.Background(t, b.use(t, b.strict()))
	if batch := arrivesWithin(t, 3*pinTime, others); batch != nil {
		t.Fatalf("another worker received %d while the first was full", offsets(batch))
	}
	sourcetest.Ack(t, held...)
	sourcetest.Ack(t, sourcetest.Next(t, first, 15)...)
	b.Settles(t, 20)
}

// A worker that stops hands over at once what it has not settled, in order, also
// if it releases that in disorder.
func TestAStopHandsOverInOrder(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	cfg := b.strict()
	cfg.AckWait = 2 * sourcetest.Patience // the next worker is pinned long before that
	b.CreateConsumer(t, cfg.Durable())
	b.PublishNotes(t, 0, 10)
	first := b.open(t, cfg)
	held := sourcetest.Next(t, first, 6)
	second := b.use(t, cfg)
	others := natstest.Background(t, second)
	sourcetest.Ack(t, held[0])
	first.Stop()
	for _, i := range []int{3, 5, 1, 4, 2} {
		natstest.Must(t, held[i].Release(0))
	}
	stopped := time.Now()
	natstest.Must(t, first.Close(t.Context()))
	b.inOrder(t, others, 2, 10)
	if took := time.Since(stopped); took > sourcetest.Patience {
		t.Errorf("the next worker was pinned after %v", took)
	}
}

// When an operator has the broker pin another worker, the first may finish what it
// has sent, and gives up the rest. The next one waits for both.
func TestAnotherPinWaitsForThePresentOne(t *testing.T) {
	t.Parallel()
	b := newStrict(t)
	b.PublishNotes(t, 0, 6)
	held := sourcetest.Next(t, b.use(t, b.strict()), 6)
	others := natstest.Background(t, b.use(t, b.strict()))
	b.unpin(t)
	b.PublishNotes(t, 6, 12)
	for _, d := range held {
		select {
		case <-d.Lost():
		case <-time.After(sourcetest.Patience):
			t.Fatal("the first worker does not notice that another is pinned")
		}
	}
	natstest.Must(t, held[5].Release(0))
	natstest.Must(t, held[4].Release(0))
	if batch := arrivesWithin(t, natstest.AckWait/3, others); batch != nil {
		t.Errorf("received %d while older ones were in flight", offsets(batch))
	}
	sourcetest.Ack(t, held[:4]...)
	b.inOrder(t, others, 5, 12)
}

// What a worker had not even begun with goes to the next one long before the ack
// wait is over.
func TestWhatWaitsGoesToTheNextAtOnce(t *testing.T) {
	t.Parallel()
	b := startServer(t)
	b.CreateStream(t)
	cfg := b.strict()
	cfg.AckWait = 4 * sourcetest.Patience
	b.CreateConsumer(t, cfg.Durable())
	b.PublishNotes(t, 0, 2)
	first := b.use(t, cfg)
	sourcetest.Ack(t, sourcetest.Next(t, first, 1)...)
	sourcetest.Ack(t, sourcetest.Next(t, first, 1)...)
	ctx, cancel := context.WithTimeout(t.Context(), sourcetest.Patience)
	defer cancel()
	b.PublishNotes(t, 2, 3)
	batch, err := first.Receive(ctx, sources.Limit{Messages: 5})
	natstest.Must(t, err)
	sourcetest.Ack(t, batch...)
	b.PublishNotes(t, 3, 6) // into the request that is open
	others := natstest.Background(t, b.use(t, cfg))
	b.unpin(t)
	b.PublishNotes(t, 6, 7)
	begun := time.Now()
	b.inOrder(t, others, 4, 7)
	if took := time.Since(begun); took > sourcetest.Patience {
		t.Errorf("that took %v", took)
	}
}

// A worker that loses the pin while its room is away does not hold up the next one.
func TestWhoLosesThePinKeepsNothing(t *testing.T) {
	t.Parallel()
	b := newStrict(t)
	b.PublishNotes(t, 0, 6)
	sourcetest.Next(t, b.use(t, b.strict()), 4) // and neither acknowledges nor releases
	others := natstest.Background(t, b.use(t, b.strict()))
	b.unpin(t)
	b.inOrder(t, others, 1, 6)
}

// A publisher that writes the broker's header changes nothing.
func TestAForgedPin(t *testing.T) {
	t.Parallel()
	b := newStrict(t)
	r := natstest.Note(1)
	r.Header = []envelope.Header{{Key: "Nats-Pin-Id", Value: "forged"}}
	natstest.Must(t, b.Publish(t.Context(), r, r, r))
	src := b.use(t, b.strict())
	sourcetest.Ack(t, sourcetest.Next(t, src, 3)...)
	natstest.Must(t, b.Publish(t.Context(), r))
	d := sourcetest.Next(t, src, 1)
	select {
	case <-d[0].Lost():
		t.Error("it is lost")
	default:
	}
	sourcetest.Ack(t, d...)
	b.Settles(t, 4)
}

// A consumer that does not fit is named with what to do.
func TestOrderNeedsAConsumerForIt(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	natstest.Fails(t, b.use(t, b.strict()), "NATS_ORDER", "run xmpp-notifier init")
	pinning := newStrict(t)
	natstest.Fails(t, pinning.use(t, pinning.config()), "priority groups", "NATS_ORDER=strict")
	overflow := startServer(t)
	overflow.CreateStream(t)
	overflow.CreateConsumer(t, jetstream.ConsumerConfig{
		Durable: natstest.Durable, AckPolicy: jetstream.AckExplicitPolicy, PriorityPolicy: jetstream.PriorityPolicyOverflow, PriorityGroups: []string{"g"},
	})
	natstest.Fails(t, overflow.use(t, overflow.strict()), "overflow", "NATS_CONSUMER")
}

// TestOrderIsStrict has workers come, stop and die, and the broker pin others, while
// notifications are published. The room shows them in their order, and all of them.
// CHAOS_RUNS=n runs it with n seeds.
func TestOrderIsStrict(t *testing.T) {
	t.Parallel()
	seeds, err := strconv.ParseUint(os.Getenv("CHAOS_RUNS"), 10, 64)
	if err != nil {
		seeds = 1
	}
	for seed := range seeds {
		strictChaos(t, rand.New(rand.NewPCG(seed, 2))) //nolint:gosec // it shall be the same every time
	}
}

// fakeRoom is a room that shows what it has not shown before.
type fakeRoom struct {
	mu    sync.Mutex
	shown []uint64
	seen  map[uint64]bool
}

func (l *fakeRoom) show(offset uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.seen[offset] {
		l.seen[offset] = true
		l.shown = append(l.shown, offset)
	}
}

func (l *fakeRoom) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.shown)
}

// fakeWorker is a worker that shows what it receives, behind a network of its own.
type fakeWorker struct {
	src  *source.Source
	link *natstest.Proxy
	quit context.CancelFunc
	done sync.WaitGroup
}

func (b *broker) startWorker(t *testing.T, room *fakeRoom) *fakeWorker {
	t.Helper()
	link := natstest.NewProxy(t, b.Addr())
	cfg := b.strict()
	cfg.URLs = []string{link.URL()}
	ctx, quit := context.WithCancel(t.Context())
	w := &fakeWorker{src: b.open(t, cfg), link: link, quit: quit}
	w.done.Go(func() { w.work(ctx, room) })
	t.Cleanup(quit)
	return w
}

// work shows what comes. It acknowledges some of it a little later, as a room's
// reflections come.
func (w *fakeWorker) work(ctx context.Context, room *fakeRoom) {
	var sent []*sources.Delivery
	for ctx.Err() == nil {
		batch, err := sourcetest.Receive(ctx, w.src, 8)
		if err != nil {
			sourcetest.Beat()
			continue
		}
		for _, d := range batch {
			if lost(d) || ctx.Err() != nil {
				_ = d.Release(0)
				continue
			}
			room.show(d.Offset)
			if sent = append(sent, d); len(sent) > 3 {
				_ = sent[0].Ack(nil)
				sent = sent[1:]
			}
			sourcetest.Beat()
		}
		for _, d := range sent {
			_ = d.Ack(nil)
		}
		sent = nil
	}
}

func lost(d *sources.Delivery) bool {
	select {
	case <-d.Lost():
		return true
	default:
		return false
	}
}

// kill ends the worker: nothing that it sends arrives any more.
func (w *fakeWorker) kill() {
	w.quit()
	w.link.Lossy.Store(true)
	w.done.Wait()
	w.done.Go(func() { _ = w.src.Close(context.Background()) })
}

// stop ends it in order.
func (w *fakeWorker) stop(t *testing.T) {
	t.Helper()
	w.quit()
	w.done.Wait()
	natstest.Must(t, w.src.Close(t.Context()))
}

func strictChaos(t *testing.T, chance *rand.Rand) {
	t.Helper()
	b := newStrict(t)
	room := &fakeRoom{seen: map[uint64]bool{}}
	workers := []*fakeWorker{b.startWorker(t, room), b.startWorker(t, room), b.startWorker(t, room)}
	const rounds, size = 6, 60
	for round := range rounds {
		b.PublishNotes(t, round*size, (round+1)*size)
		middle := round*size + chance.IntN(size)
		sourcetest.Eventually(t, "the room shows notifications", func() bool { return room.count() >= middle })
		i := chance.IntN(len(workers))
		switch chance.IntN(4) {
		case 0:
			workers[i].stop(t)
			workers[i] = b.startWorker(t, room)
		case 1:
			b.unpin(t)
		case 2:
			workers[i].link.Cut()
		default:
			for i, w := range workers { // whichever is pinned
				w.kill()
				workers[i] = b.startWorker(t, room)
			}
		}
	}
	sourcetest.Eventually(t, "the room shows all", func() bool { return room.count() == rounds*size })
	if !slices.IsSorted(room.shown) {
		t.Errorf("out of order: %d", room.shown)
	}
	b.Settles(t, rounds*size)
	for _, w := range workers {
		w.stop(t)
	}
}
