package sim

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/render"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// instance is one process of a worker, from its start to its end.
type instance struct {
	process *process
	room    *sink.Room
	cancel  context.CancelFunc
	ended   chan struct{}
	number  int // of those of this worker
	key     string

	stopping bool
}

// start starts a worker again, unless it runs.
func (w *world) start(number int, newKey bool) {
	before := w.instances[number]
	l := &instance{key: "key", ended: make(chan struct{})}
	if before != nil {
		if !before.over() { // it is still stopping, or has been started by an earlier step
			if before.stopping {
				w.after(Duration(time.Second), "", func() { w.start(number, newKey) })
			}
			return
		}
		l.number, l.key = before.number+1, before.key
	}
	if newKey {
		l.key += "+"
	}
	l.process = &process{name: fmt.Sprintf("%d.%d", number, l.number), worker: number, random: w.random(100*(number+1) + l.number)}
	w.instances[number] = l
	if err := w.launch(l, w.nick(number)); err != nil {
		panic(err) // the settings are ours
	}
}

// over reports whether the process is dead or has ended.
func (l *instance) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return l.process.isDead()
	}
}

// launch puts the parts of a worker together, as the command does, and runs it.
func (w *world) launch(l *instance, nick string) error {
	cfg := w.config(l, nick)
	log := w.setup.logger(w.obs, l.process)
	room, err := sink.New(cfg, log, sink.WithDialer(func(ctx context.Context, _, addr string) (net.Conn, error) {
		return w.network.dial(ctx, l.process, addr)
	}))
	if err != nil {
		return fmt.Errorf("make the room: %w", err)
	}
	l.room = room
	w.obs.started(l.process, l.key, w.plan)
	room.Observe(func(e sink.Event) { w.obs.event(l.process, e) })
	list := make([]sources.Source, len(w.brokers))
	for i, b := range w.brokers {
		list[i] = b.open(l.process)
	}
	one := worker.Worker{
		Room: room, Sources: list, Posts: worker.Posts{Render: render.Text, Payload: payload, GroupAbove: w.plan.Group},
		MaxInFlight: cfg.MaxInFlight, Digests: w.plan.digests(), MaxPendingBytes: w.plan.Bytes, Grace: 20 * time.Second, Log: log,
		Observe:     func(e worker.Event) { w.obs.filtered(l.process, e) },
		Corrections: worker.Corrections{CorrectionConfig: worker.CorrectionConfig{Resolved: w.plan.Resolved}, Line: line},
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	w.running.Go(func() {
		defer close(l.ended)
		if err := one.Run(ctx); err != nil {
			log.Error("worker failed", "error", err)
		}
		w.obs.exited(l.process)
	})
	return nil
}

// payload puts the numbers of notifications beside the text.
func payload(e envelope.Envelope) string {
	list := e.Members
	if len(list) == 0 {
		list = []envelope.Envelope{e}
	}
	var numbers []string
	for _, one := range list {
		numbers = append(numbers, strconv.Itoa(numberOf(one.Time)))
	}
	return "<n xmlns='urn:sim'>" + strings.Join(numbers, " ") + "</n>"
}

// digest is the text for notifications that are shown together. Nothing can be beside it.
func digest(list []envelope.Summary) string {
	return fmt.Sprintf("%d notifications (%s)", len(list), numbersOf(list))
}

// expired is the same for those that came too late.
func expired(list []envelope.Summary) string {
	return fmt.Sprintf("%d expired (%s)", len(list), numbersOf(list))
}

func numbersOf(list []envelope.Summary) string {
	var numbers []string
	for _, one := range list {
		numbers = append(numbers, strconv.Itoa(numberOf(one.Time)))
	}
	return strings.Join(numbers, " ")
}

// line is the text beside a correction.
func line(e envelope.Envelope) string { return fmt.Sprintf("line (%d)", numberOf(e.Time)) }

// digests are what the worker is told of them.
func (p *Plan) digests() worker.Digests {
	d := p.Digest
	if d == (Digest{}) { // lines of what has expired
		d = Digest{Every: Duration(5 * time.Second), Max: 5}
	}
	c := worker.DigestConfig{After: d.After, Every: time.Duration(d.Every), Max: d.Max, Severity: urgent, MaxAge: time.Duration(p.MaxAge)}
	return worker.Digests{DigestConfig: c, Text: digest, ExpiredText: expired}
}

func (w *world) config(l *instance, nick string) sink.Config {
	cfg := sink.Config{
		JID: account + "@" + w.server.Domain(), Password: config.NewSecret(account + "-pw"), Addr: w.server.Addr(),
		TLS: "starttls", CAFile: w.setup.caFile, Room: w.server.RoomJID(), Nick: nick, IDKey: config.NewSecret(l.key),
		Limits: sink.Limits{
			MaxInFlight: w.plan.InFlight, EditWithin: w.plan.EditWithin, MaxStanzaBytes: 65000, ConnectTimeout: 30 * time.Second,
			PingInterval: 30 * time.Second, StallTimeout: 60 * time.Second, ReconnectMax: 30 * time.Second,
		},
	}
	if w.plan.Room.Direct {
		cfg.TLS, cfg.Addr = "direct", w.server.DirectTLSAddr()
	}
	return cfg
}

// kill ends a worker's process without a word.
func (w *world) kill(number int, host bool) {
	l := w.instances[number]
	if l == nil || l.over() {
		return
	}
	l.process.kill(host)
	w.obs.exited(l.process)
	l.cancel()
	w.noticed(l.process)
}

// stop ends a worker as SIGTERM does.
func (w *world) stop(number int) {
	if l := w.instances[number]; l != nil {
		l.stopping = true
		l.cancel()
	}
}

// storyLogger adds to the story.
func storyLogger(obs *observer, p *process) *slog.Logger {
	return slog.New(slog.NewTextHandler(storyWriter{obs, p}, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

type storyWriter struct {
	obs     *observer
	process *process
}

// Write implements io.Writer.
func (s storyWriter) Write(line []byte) (int, error) {
	s.obs.tell("  worker %s: %s", s.process.name, line[:len(line)-1])
	return len(line), nil
}
