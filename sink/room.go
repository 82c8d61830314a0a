package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
)

// Room posts messages into one chat room. Create it with New, keep it running
// with Run, and hand it messages with Submit.
type Room struct {
	cfg     Config
	log     *slog.Logger
	account *account
	box     *outbox
	// originIDs is set when the room turns out not to keep ids, keepsIDs when it
	// does.
	originIDs, keepsIDs atomic.Bool
	observer            Observer
	historyDepth        atomic.Int64
	// What earlier stays have taught; Run's own.
	maxBytes    int // longest stanza that the server takes
	skipArchive bool
	depth       depth
	// Who takes our nickname and frees it, again and again, must not end our
	// stays at will.
	nickBackAfter time.Time

	mu     sync.Mutex
	joined chan struct{} // closed while we are in the room
}

// Dialer opens a connection, as net.Dialer.DialContext does.
type Dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// An Option changes how a Room works, beyond what an operator can set.
type Option func(*Room)

// WithDialer makes the Room connect by d. Nothing else is asked of the network:
// without XMPP_ADDR d is given the domain of the account, and DNS is left alone.
func WithDialer(d Dialer) Option {
	return func(r *Room) { r.account.dial, r.account.lookup = d, noSRV }
}

// New returns a Room for cfg, not yet connected. Errors are errors of cfg.
func New(cfg Config, log *slog.Logger, options ...Option) (*Room, error) {
	if err := errors.Join(cfg.Validate()...); err != nil {
		return nil, err
	}
	cfg.Room = strings.ToLower(cfg.Room)
	account, err := newAccount(cfg)
	if err != nil {
		return nil, err
	}
	minter, err := newMinter(cfg)
	if err != nil {
		return nil, err
	}
	r := &Room{
		cfg: cfg, log: log, account: account,
		box:      newOutbox(cfg.MaxInFlight, newLedger(minter)),
		joined:   make(chan struct{}),
		maxBytes: cfg.MaxStanzaBytes,
	}
	r.historyDepth.Store(int64(cfg.MaxInFlight))
	for _, option := range options {
		option(r)
	}
	return r, nil
}

// String names the room.
func (r *Room) String() string { return "xmpp:" + r.cfg.Room }

// Submit waits for a place in the window, puts m there and returns; m.Done
// tells later what became of it. Messages are sent in the order of the calls.
// On an error (that of ctx, ErrLost, ErrClosed) m.Done is not called.
func (r *Room) Submit(ctx context.Context, m Message) error {
	return r.box.submit(ctx, m)
}

// Joined waits until we are in the room and sending.
func (r *Room) Joined(ctx context.Context) error {
	r.mu.Lock()
	joined := r.joined
	r.mu.Unlock()
	select {
	case <-joined:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.box.closed:
		return ErrClosed
	}
}

// HistoryDepth is how many of the messages that we posted last the room could tell to
// a worker that takes our place and knows nothing. It is learnt at every join: as
// many as may be on their way at least, and more if the history is long or there
// is an archive.
func (r *Room) HistoryDepth() int { return int(r.historyDepth.Load()) }

// Run connects, joins and stays in the room until ctx ends; after every
// interruption it tries again, with growing pauses. At the end it leaves the
// room; messages in the window are then Dropped. It returns nil.
func (r *Room) Run(ctx context.Context) error {
	var preparing sync.WaitGroup
	preparing.Go(r.box.ledger.minter.prepare) // while we connect
	defer preparing.Wait()
	defer r.box.close()
	pause := backoff.Backoff{Min: shortestPause, Max: r.cfg.ReconnectMax}
	var last string
	for {
		stay, err := r.stay(ctx)
		if ctx.Err() != nil {
			r.observer.tell(Event{Kind: Left, Stay: stay})
			return nil
		}
		r.observer.tell(Event{Kind: Left, Err: err, Stay: stay})
		if stay > calm(err) {
			pause.Reset()
		}
		wait := nextPause(&pause, err)
		if text := err.Error(); text != last || stay > 0 {
			r.log.Warn("not in the room", "error", err, "retry_in", wait.Round(time.Millisecond))
			last = text
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
	}
}

// stay is one connection from beginning to end. It returns how long we were
// in the room, and what ended it.
func (r *Room) stay(ctx context.Context) (time.Duration, error) {
	setup, cancel := context.WithTimeoutCause(ctx, r.cfg.ConnectTimeout,
		fmt.Errorf("not in the room within XMPP_CONNECT_TIMEOUT=%s", r.cfg.ConnectTimeout))
	defer cancel()
	stream, id, err := r.account.login(setup)
	if err != nil {
		return 0, causeOr(setup, err)
	}
	r.observer.tell(Event{Kind: Connected})
	var since time.Time
	s := r.newSession(stream, id, func() {
		since = time.Now()
		r.setJoined(true)
	})
	err = s.run(ctx, setup)
	r.learn(s, setup.Err() != nil && ctx.Err() == nil)
	if since.IsZero() {
		return 0, causeOr(setup, err)
	}
	r.setJoined(false)
	return time.Since(since), err
}

// learn takes over what a stay has taught for the next ones. late says that
// there was not enough time to enter the room.
func (r *Room) learn(s *session, late bool) {
	if errors.Is(s.end, errNickFree) {
		r.nickBackAfter = time.Now().Add(undisturbedStay)
	}
	if s.blamed > 0 && s.blamed < r.maxBytes {
		r.maxBytes = s.blamed
		r.log.Warn("the server refused a long message: longer ones are cut from now on; set XMPP_MAX_STANZA_BYTES to its limit", "bytes", s.blamed)
	}
	if r.skipArchive = late && s.phase == catching && s.catchup.pages > 0; r.skipArchive {
		r.log.Warn("the archive of the room did not answer in time: doing without it", "room", s.room)
	}
}

func (r *Room) newSession(stream *stream, id identity, joined func()) *session {
	_, service, _ := strings.Cut(r.cfg.Room, "@")
	s := &session{
		cfg: &r.cfg, log: r.log, observer: r.observer, stream: stream, out: newWriter(), box: r.box,
		me: id.jid, domain: r.account.domain, room: r.cfg.Room, service: service, nick: nickOf(&r.cfg),
		head:     messageHead(r.cfg.Room),
		maxBytes: r.maxBytes, skipArchive: r.skipArchive, nickBackAfter: r.nickBackAfter, depth: &r.depth, idle: id.idle, keepsIDs: &r.keepsIDs, originIDs: &r.originIDs,
		entered: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	if id.maxStanzaBytes > 0 {
		s.maxBytes = max(minStanzaBytes, min(s.maxBytes, id.maxStanzaBytes))
	}
	s.joined = func() {
		r.log.Info("in the room", "room", s.room, "nick", s.nick, "jid", s.me, "memory", s.memory())
		r.historyDepth.Store(int64(s.historyDepth()))
		joined()
		r.observer.tell(Event{Kind: Joined, Seat: s.occupant})
	}
	return s
}

func (r *Room) setJoined(joined bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if joined {
		close(r.joined)
	} else {
		r.joined = make(chan struct{})
	}
}

// nickOf returns the nickname that we want.
func nickOf(cfg *Config) string {
	if cfg.Nick != "" {
		return cfg.Nick
	}
	local, _, _ := strings.Cut(cfg.JID, "@")
	return local
}

// causeOr prefers the reason why setup ended: the errors that follow from it,
// like "use of closed connection", explain nothing.
func causeOr(setup context.Context, err error) error {
	if setup.Err() != nil {
		return fmt.Errorf("%w: %w", context.Cause(setup), err)
	}
	return err
}

func isLasting(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Lasting
}

// lastingStay is how long we must have been in the room for the next pause to
// be short again, and undisturbedStay the same after it has put us out: who
// kicks us again and again is pestered less and less. The latter is also how
// rarely we leave to take our nickname back.
const (
	lastingStay     = 10 * time.Second
	undisturbedStay = 5 * time.Minute
)

func calm(end error) time.Duration {
	if _, removed := errors.AsType[*RemovedError](end); removed {
		return undisturbedStay
	}
	return lastingStay
}

const shortestPause = 500 * time.Millisecond

// nextPause tries rarely from the start what lasts.
func nextPause(pause *backoff.Backoff, end error) time.Duration {
	if isLasting(end) {
		return pause.NextSlow()
	}
	return pause.Next()
}
