//go:build real

package chaos_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/owner"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/proxy"
)

// trial is one fault, once, on one server: the worker carries notifications
// through a proxy into a room of its own, and somebody watches.
type trial struct {
	*testing.T
	bed    *bed
	server *testbed.XMPP
	name   string // of room and stream
	admin  *owner.Owner
	proxy  *proxy.Proxy
	watch  *watcher
	env    map[string]string // of the worker
	all    []*worker         // the one that runs last
	total  int               // of the numbered notifications
	stored int               // and of the poison between them
}

// outcome is what a trial has shown.
type outcome struct {
	lost, repeated, counted, disorder, joins int
	recover                                  time.Duration
}

// begin starts a trial of n notifications and returns when the worker is
// about to be in the middle of them.
func (f *serverSet) begin(t *testing.T, x *testbed.XMPP, what fault, n int) *trial {
	t.Helper()
	tr := &trial{T: t, bed: f.bed, server: x, total: n, name: fmt.Sprintf("chaos-%x", f.random.Uint64())}
	tr.admin = tr.login("admin")
	must(t, tr.admin.Create(t.Context(), owner.Room{}))
	target, address := way(t, x, what)
	var err error
	tr.proxy, err = proxy.New(t.Context(), target)
	must(t, err)
	t.Cleanup(tr.proxy.Close)
	if what.prepare != nil {
		what.prepare(tr)
	}
	tr.watch = watch(t, x, tr.room())
	tr.watch.options.Archive = what.options.Archive // what one occupant missed is there, with ejabberd there only
	tr.prepare(fmt.Sprintf(address, tr.proxy.Addr()), what)
	tr.startWorker()
	tr.watch.wait(n/5 + f.random.IntN(n/4))
	return tr
}

// way is what the proxy before the server leads to, and how the worker's setting names the
// proxy.
func way(t *testing.T, x *testbed.XMPP, what fault) (target, address string) {
	t.Helper()
	if !what.options.WebSocket {
		return x.Addr, "%s"
	}
	there, err := url.Parse(x.WebSocketURL)
	must(t, err)
	return there.Host, there.Scheme + "://%s" + there.Path
}

// prepare fills the stream, and makes the settings of a worker that connects
// to the room at addr.
func (tr *trial) prepare(addr string, what fault) {
	tr.Helper()
	env, err := tr.bed.nats.fill(tr.Context(), tr.name, tr.total, what.poison, what.poisonText)
	must(tr, err)
	tr.stored = tr.total
	if what.poison > 0 {
		tr.stored += tr.total / what.poison
	}
	maps.Copy(env, map[string]string{
		"XMPP_JID": tr.jid(), "XMPP_PASSWORD": testbed.Password("notifier"), "XMPP_ADDR": addr,
		"XMPP_ROOM": tr.room(), "XMPP_CA_FILE": tr.server.CAFile,
	})
	maps.Copy(env, what.env)
	tr.env = env
}

// startWorker starts a worker.
func (tr *trial) startWorker() {
	tr.Helper()
	tr.all = append(tr.all, startWorker(tr.T, tr.bed.binary, tr.env))
}

// worker is the one that runs.
func (tr *trial) worker() *worker { return tr.all[len(tr.all)-1] }

func (tr *trial) room() string { return tr.name + "@" + tr.server.MUC }
func (tr *trial) jid() string  { return "notifier@" + tr.server.Domain }

// login returns a new connection that can do things to the room.
func (tr *trial) login(account string) *owner.Owner {
	tr.Helper()
	var o *owner.Owner
	until(tr.T, account+" is logged in", func(ctx context.Context) (bool, error) {
		var err error
		o, err = owner.Login(ctx, tr.server, account, tr.name)
		return err == nil, err
	})
	tr.Cleanup(o.Close)
	return o
}

// nick is the worker's nickname.
func (tr *trial) nick() string {
	_, nick := tr.worker().joins()
	return nick
}

// underLoad notes whether there was anything left to go wrong.
func (tr *trial) underLoad() bool { return tr.watch.count() < tr.total }

// end waits until the broker counts everything as delivered, and adds up.
// The trouble began at the one moment, and its cause was gone at the other.
func (tr *trial) end(begun, mended time.Time) outcome {
	tr.Helper()
	until(tr.T, "everything is acknowledged", func(ctx context.Context) (bool, error) {
		acked, err := tr.bed.nats.acked(ctx, tr.name)
		return acked == tr.stored, fmt.Errorf("acknowledged %d of %d, shown %d (%w)", acked, tr.stored, tr.watch.count(), err)
	})
	tr.worker().stop()
	must(tr, tr.watch.occupant.Fence(tr.Context()))
	deadLetters, err := tr.bed.nats.deadLetters(tr.Context(), tr.name)
	must(tr, err)
	if deadLetters != tr.stored-tr.total {
		tr.Errorf("%d dead letters, want one for each of %d poison messages", deadLetters, tr.stored-tr.total)
	}
	must(tr, tr.bed.nats.drop(tr.Context(), tr.name))
	o := outcome{
		lost: len(tr.watch.missing(tr.total)), repeated: tr.watch.repeats(),
		disorder: tr.watch.disorder, recover: max(0, tr.watch.silence(begun).Sub(mended)),
	}
	for _, w := range tr.all {
		joins, _ := w.joins()
		o.joins += joins
		o.counted += w.counted()
	}
	return o
}

// row is all trials of one fault on one server.
type row struct {
	fault fault
	outcome
	worst    outcome // the largest of each, over the runs
	runs     int
	failed   int
	recovers []time.Duration
}

func (r *row) add(o outcome) {
	r.runs++
	r.lost += o.lost
	r.repeated += o.repeated
	r.counted += o.counted
	r.disorder += o.disorder
	r.worst.repeated = max(r.worst.repeated, o.repeated)
	r.worst.joins = max(r.worst.joins, o.joins)
	r.recovers = append(r.recovers, o.recover)
	slices.Sort(r.recovers)
}

// check holds an outcome against what must hold for the fault.
func (o outcome) check(t *testing.T, f fault) {
	t.Helper()
	if o.lost > 0 {
		t.Errorf("%d lost", o.lost)
	}
	if o.disorder > 0 && f.reorders == "" {
		t.Errorf("%d out of order", o.disorder)
	}
	if o.repeated > o.counted {
		t.Errorf("%d repeated, but %d counted by the worker", o.repeated, o.counted)
	}
	limit := 0
	if f.forgets != "" {
		limit = mostRepeated
	}
	if o.repeated > limit {
		t.Errorf("%d repeated, at most %d may be", o.repeated, limit)
	}
	if f.joins > 0 && o.joins > f.joins {
		t.Errorf("%s joins of the room, at most %d expected", strconv.Itoa(o.joins), f.joins)
	}
}
