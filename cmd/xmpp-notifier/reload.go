package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// liveTexts are the texts in use. A reload replaces them while the worker works.
type liveTexts struct {
	current atomic.Pointer[texts]

	mu   sync.Mutex
	past int64 // failures of those that were replaced
}

func newLiveTexts(t *texts) *liveTexts {
	l := new(liveTexts)
	l.current.Store(t)
	return l
}

func (l *liveTexts) decoder() envelope.Decoder          { return l.current.Load().decoder }
func (l *liveTexts) hide(e *envelope.Envelope) string   { return l.current.Load().hide(e) }
func (l *liveTexts) text(e envelope.Envelope) string    { return l.current.Load().renderer.Text(e) }
func (l *liveTexts) payload(e envelope.Envelope) string { return l.current.Load().renderer.Payload(e) }

// reloadOnHangup reads the files that the settings name again at every SIGHUP:
// the environment of a process does not change, what is in files does. The
// connections stay. What is wrong with a file changes nothing.
func (l *liveTexts) reloadOnHangup(ctx context.Context, log *slog.Logger) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			l.reload(log)
		case <-ctx.Done():
			return
		}
	}
}

func (l *liveTexts) reload(log *slog.Logger) {
	var s settings
	_, err := s.load()
	if err != nil {
		log.Error("reload failed, everything stays as it is", "error", err)
		return
	}
	next, err := s.texts(log)
	if err != nil {
		log.Error("reload failed, everything stays as it is", "error", err)
		return
	}
	l.replace(&next)
	log.Info("reloaded the files that the settings name")
}

func (l *liveTexts) replace(next *texts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.past += l.current.Load().renderer.Failures()
	l.current.Store(next)
}

// failures counts the failures of all templates so far: a counter never shrinks.
func (l *liveTexts) failures() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.past + l.current.Load().renderer.Failures()
}
