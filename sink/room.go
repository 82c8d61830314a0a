package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/conn"
	"github.com/xmpp-notifier/xmpp-notifier/sink/internal/outbox"
)

// Room posts messages into one chat room. Create it with New, keep it running
// with Run, and hand it messages with Submit.
type Room struct {
	cfg          Config
	log          *slog.Logger
	observer     Observer
	account      *conn.Account
	ids          *outbox.Minter
	box          *outbox.Outbox
	learned      learned
	outages      outages
	historyDepth atomic.Int64
	options      []Option
	renewal      atomic.Pointer[Config]

	mu     sync.Mutex
	joined chan struct{} // closed while we are in the room and may post
}

// An Option changes how a Room works, beyond what an operator can set.
type Option func(*Room)

// WithDialer makes the Room connect by d. Nothing else is asked of the network:
// without XMPP_ADDR d is given the domain of the account, and DNS is left alone.
func WithDialer(d Dialer) Option { return func(r *Room) { r.account.DialWith(d) } }

// New returns a Room for cfg, not yet connected. Errors are errors of cfg.
func New(cfg Config, log *slog.Logger, options ...Option) (*Room, error) {
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	given := cfg
	cfg = cfg.Prepared()
	for _, address := range []struct{ setting, given, used string }{
		{"XMPP_JID", given.JID, cfg.JID}, {"XMPP_ROOM", given.Room, cfg.Room}, {"XMPP_NICK", given.Nick, cfg.Nick},
	} {
		if address.used != address.given {
			log.Info("address is used as RFC 7622 prepares it", "setting", address.setting, "given", address.given, "used", address.used)
		}
	}
	account, err := cfg.Account()
	if err != nil {
		return nil, err
	}
	ids, err := cfg.minter()
	if err != nil {
		return nil, err
	}
	r := &Room{
		cfg: cfg, log: log, account: account, ids: ids,
		box:     outbox.New(cfg.MaxInFlight, ids),
		joined:  make(chan struct{}),
		learned: learned{maxBytes: cfg.MaxStanzaBytes},
	}
	r.historyDepth.Store(int64(cfg.MaxInFlight))
	r.box.LimitMembers(membersWithin(cfg.MaxStanzaBytes))
	r.box.CorrectWithin(cfg.EditWithin)
	r.options = options
	for _, option := range options {
		option(r)
	}
	return r, nil
}

// String names the room.
func (r *Room) String() string { return r.cfg.Room }

// Submit waits until one more message may be in flight, takes m and returns;
// m.Done tells later what became of it. Messages are sent in the order of the
// calls. On an error (that of ctx, ErrLost, ErrClosed) m.Done is not called.
func (r *Room) Submit(ctx context.Context, m Message) error { return r.box.Submit(ctx, m) }

// MaxMembers is how many notifications a message may show as a digest: what its stanza
// has place for. 0 if the room removes what says which they are: it could not tell
// another worker, then.
func (r *Room) MaxMembers() int { return r.box.MaxMembers() }

// HoldsDigests returns nil if a digest would be sent now. Else it returns a channel that is
// closed when one would be: meanwhile it is better to gather more for it.
func (r *Room) HoldsDigests() (until <-chan struct{}) { return r.box.HoldsDigests() }

// Joined waits until we are in the room and may post.
func (r *Room) Joined(ctx context.Context) error {
	r.mu.Lock()
	joined := r.joined
	r.mu.Unlock()
	select {
	case <-joined:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.box.Closed():
		return ErrClosed
	}
}

// HistoryDepth is how many of the messages that we posted last the room could tell to
// a worker that takes our place and knows nothing. It is learnt at every join: as
// many as may be in flight at least, and more if the history is long or there is an
// archive.
func (r *Room) HistoryDepth() int {
	return int(r.historyDepth.Load()) + r.box.Yielded()
}

// Yielded is how many messages have failed again and again, without a proof that it is
// not the room's fault. Others have got their places, which may be that proof.
func (r *Room) Yielded() int { return r.box.Yielded() }

// AwaitProof is how many of them only a later message can prove to be at fault, and none
// was shown yet.
func (r *Room) AwaitProof() int { return r.box.AwaitProof() }

// Pace is how fast messages are sent: so many at once in flight, with so much time
// between two, if that is known. limited says that the room has asked for that, or
// shows messages late.
func (r *Room) Pace() (inFlight int, pause time.Duration, limited bool) {
	p := r.box.Pace()
	return p.InFlight, p.Pause, p.Limited
}

// InFlight returns how many messages are in flight, and for how long the oldest of
// them has been waiting for its reflection while it was the oldest; 0 while we are
// not in the room.
func (r *Room) InFlight() (messages int, waiting time.Duration) {
	return r.box.Size(), r.box.Stalled(time.Now())
}

// Unshown are the messages in flight that the room has refused, or handled and not shown,
// and that are not given up: nothing tells yet that it is their own fault.
func (r *Room) Unshown() []Unshown { return r.box.Unshown() }

// Run connects, joins and stays in the room until ctx ends; after every
// interruption it tries again, with growing pauses. At the end it leaves the
// room; messages in flight are then Dropped. It returns nil, when all messages
// that were submitted are Done.
func (r *Room) Run(ctx context.Context) error {
	var helpers sync.WaitGroup
	helpers.Go(r.ids.Prepare) // while we connect
	helpers.Go(r.box.Settle)
	defer helpers.Wait()
	defer r.box.Close()
	pause := backoff.Backoff{Min: shortestPause, Max: r.cfg.ReconnectMax}
	var last string
	for {
		inRoom, err := r.visit(ctx)
		if ctx.Err() != nil {
			r.observer.tell(Event{Kind: Left, InRoom: inRoom})
			return nil
		}
		r.observer.tell(Event{Kind: Left, Err: err, InRoom: inRoom})
		wait := nextPause(&pause, inRoom, err)
		if text := err.Error(); text != last || inRoom > 0 {
			r.log.Warn("disconnected, reconnecting", "error", err, "retry_in", wait.Round(time.Millisecond))
			last = text
		}
		if !backoff.Wait(ctx, wait) {
			return nil
		}
	}
}

// visit is one connection from beginning to end. It returns how long we were
// in the room, and what ended it.
func (r *Room) visit(ctx context.Context) (time.Duration, error) {
	setup, cancel := context.WithTimeoutCause(ctx, r.cfg.ConnectTimeout,
		&conn.End{Kind: conn.KindTimeout, Text: fmt.Sprintf("not in the room within XMPP_CONNECT_TIMEOUT=%s", r.cfg.ConnectTimeout)})
	defer cancel()
	r.renew()
	c, err := r.account.Login(setup)
	if err != nil {
		return 0, conn.Because(setup, err)
	}
	r.observer.tell(Event{Kind: Connected})
	var since time.Time
	s := newSession(r, c, func() { since = time.Now() })
	err = s.run(ctx, setup)
	if since.IsZero() {
		err = conn.Because(setup, err)
	}
	r.learn(s, setup.Err() != nil && ctx.Err() == nil)
	if since.IsZero() {
		return 0, s.quote.explain(r.cfg.Room, err)
	}
	r.setJoined(false)
	r.outages.left(err, r.box.LastShown())
	return time.Since(since), err
}

// entered tells that a session is in the room.
func (r *Room) entered(s *session) {
	about := s.describe()
	r.historyDepth.Store(int64(s.historyDepth()))
	r.log.Info("in the room", "room", r.cfg.Room, "nick", about.Nick, "jid", s.conn.JID, "history", about.HistoryText)
	r.setJoined(r.box.SilentSince().IsZero())
	r.observer.tell(Event{Kind: Joined, Session: about})
}

func (r *Room) setJoined(joined bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	select {
	case <-r.joined:
		if !joined {
			r.joined = make(chan struct{})
		}
	default:
		if joined {
			close(r.joined)
		}
	}
}
