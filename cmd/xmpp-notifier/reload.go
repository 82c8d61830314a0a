package main

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

// liveTexts are the texts in use. A reload replaces them while the worker works.
type liveTexts struct{ atomic.Pointer[texts] }

func (l *liveTexts) decoder() envelope.Decoder             { return l.Load().decoder }
func (l *liveTexts) hide(e *envelope.Envelope) string      { return l.Load().hide(e) }
func (l *liveTexts) text(e envelope.Envelope) string       { return l.Load().renderer.Text(e) }
func (l *liveTexts) payload(e envelope.Envelope) string    { return l.Load().renderer.Payload(e) }
func (l *liveTexts) line(e envelope.Envelope) string       { return l.Load().renderer.Line(e) }
func (l *liveTexts) digest(list []envelope.Summary) string { return l.Load().renderer.Digest(list) }

func (l *liveTexts) expired(list []envelope.Summary) string { return l.Load().renderer.Expired(list) }
func (l *liveTexts) failures() int64                        { return l.Load().renderer.Failures() }

// outage is what to say after an outage for which so many messages wait.
func (l *liveTexts) outage(o sink.Outage, waiting int64, oldest time.Time) string {
	return l.Load().renderer.Outage(o.From, o.To, o.Why(), waiting, oldest)
}

// reloadOnHangup reads the files that the settings name again at every SIGHUP:
// the environment of a process does not change, what is in files does. The
// connections stay; passwords and authorities are for the next one. What is wrong with
// a file changes nothing.
func (l *liveTexts) reloadOnHangup(ctx context.Context, hangup <-chan os.Signal, room *sink.Room, log *slog.Logger) {
	for {
		select {
		case <-hangup:
			if err := l.reload(room, log); err != nil {
				log.Error("reload failed, everything stays as it is", "error", err)
				continue
			}
			log.Info("reloaded the files that the settings name")
		case <-ctx.Done():
			return
		}
	}
}

func (l *liveTexts) reload(room *sink.Room, log *slog.Logger) error {
	var s settings
	if _, err := s.load(); err != nil {
		return err
	}
	next, err := s.texts(log)
	if err != nil {
		return err
	}
	if err := room.Renew(s.room); err != nil {
		return err
	}
	next.renderer.Continue(l.Load().renderer)
	l.Store(&next)
	return nil
}
