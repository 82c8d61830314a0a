// Package audit writes what became of each notification, one JSON object per
// line, before its broker is told.
package audit

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// Config is what the operator says about the audit.
type Config struct {
	Target string `envconfig:"AUDIT" desc:"Where to write one JSON line for each notification that is settled, before it is acknowledged: stdout, or a file to append to. Default: nowhere."`
}

const stdout = "stdout"

// writeTimeout is how long a write may take, for example into a pipe that nobody reads.
// Nothing is acknowledged meanwhile.
const writeTimeout = 5 * time.Second

// errStuck is the error of lines that are not written because of those before them.
var errStuck = fmt.Errorf("a write has not returned within %s", writeTimeout)

// Log writes the lines. Its methods can be called from any goroutine.
type Log struct {
	log     *slog.Logger
	missing atomic.Int64

	mu      sync.Mutex
	out     io.Writer
	failing bool
	stuck   <-chan error // the result of a write that took too long; nil: there is none
}

// Open returns the Log that cfg asks for, nil if it asks for none. Close closes it.
func Open(cfg Config, standard io.Writer, log *slog.Logger) (*Log, error) {
	switch cfg.Target {
	case "":
		return nil, nil
	case stdout:
		return &Log{log: log, out: standard}, nil
	}
	// A named pipe that nobody reads is an error, and no wait without end.
	file, err := os.OpenFile(cfg.Target, os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, check.Faultf("name a file that can be written, or stdout", "AUDIT: %w", err)
	}
	return &Log{log: log, out: file}, nil
}

// Close closes the file.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	if file, ok := l.out.(*os.File); ok && file != os.Stdout {
		return file.Close()
	}
	return nil
}

// line is what is written of a notification, or of a message that becomes a dead
// letter as a whole.
type line struct {
	Time      time.Time `json:"time"`
	Outcome   string    `json:"outcome"`
	StanzaID  string    `json:"stanza_id,omitempty"`
	Source    string    `json:"source"`
	Place     string    `json:"place"`
	ID        string    `json:"id,omitempty"`
	Publisher string    `json:"publisher,omitempty"` // the notification's own source
	Severity  string    `json:"severity,omitempty"`
	Replaces  string    `json:"replaces,omitempty"` // id of the stanza that it corrects
	Group     int       `json:"group,omitempty"`    // how many notifications the message shows, if several
	Digest    int       `json:"digest,omitempty"`   // how many posts the digest shows together, if it is one
	Reason    string    `json:"reason,omitempty"`
	Error     string    `json:"error,omitempty"`
}

// maxError keeps a line short.
const maxError = 500

// Observe takes an event of the worker. A nil Log ignores it.
func (l *Log) Observe(e worker.Event) {
	if l == nil {
		return
	}
	one := line{Time: time.Now().UTC(), Source: e.Source, StanzaID: e.StanzaID, Replaces: e.Replaced, Reason: e.Why}
	if e.Together > 1 {
		one.Digest = e.Together
	}
	switch e.Kind {
	case worker.Delivered:
		one.Outcome = "delivered"
	case worker.Expired:
		one.Outcome = "expired"
	case worker.Suppressed:
		one.Outcome = "suppressed"
	case worker.Filtered:
		one.Outcome = "filtered"
	case worker.Failed:
		one.Outcome, one.Reason = "dead_letter", string(e.Reason.Code)
		if e.Reason.Err != nil {
			one.Error = fmt.Sprintf("%.*s", maxError, e.Reason.Err)
		}
	default:
		return
	}
	one.Place = e.Delivery.Place()
	l.write(lines(one, e.Delivery, e.Parts))
}

// lines makes one line for each of these notifications, or one of the message if
// it is about all of it.
func lines(one line, d *sources.Delivery, parts []int) []line {
	if len(parts) == 0 {
		return []line{one}
	}
	list := make([]line, len(parts))
	for i, part := range parts {
		e := &d.Envelopes[part]
		list[i] = one
		list[i].ID, list[i].Publisher = e.ID, e.Source
		if e.Severity != 0 {
			list[i].Severity = e.Severity.String()
		}
		if len(parts) > 1 {
			list[i].Group = len(parts)
		}
	}
	return list
}

// Missing is how many lines were not written.
func (l *Log) Missing() int64 {
	if l == nil {
		return 0
	}
	return l.missing.Load()
}

// write writes lines in one piece. That it fails is said once: an audit that is
// incomplete is no reason to deliver nothing.
func (l *Log) write(list []line) {
	var text []byte
	for i := range list {
		encoded, err := json.Marshal(&list[i])
		if err != nil {
			encoded, _ = json.Marshal(line{Time: list[i].Time, Outcome: list[i].Outcome, Source: list[i].Source, Error: err.Error()})
		}
		text = append(append(text, encoded...), '\n')
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.put(text)
	if err != nil {
		l.missing.Add(int64(len(list)))
	}
	switch {
	case err != nil && !l.failing:
		l.log.Error("audit cannot be written, lines are missing", "error", err)
	case err == nil && l.failing:
		l.log.Info("audit is written again", "missing", l.missing.Load())
	}
	l.failing = err != nil
}

// put writes text, and returns after writeTimeout at the latest. There is never more
// than one write under way.
func (l *Log) put(text []byte) error {
	if l.stuck != nil && len(l.stuck) == 0 {
		return errStuck
	}
	l.stuck = nil
	done := make(chan error, 1)
	go func() { // ends when the write returns; nothing can end that
		_, err := l.out.Write(text)
		done <- err
	}()
	timer := time.NewTimer(writeTimeout)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		l.stuck = done
		return errStuck
	}
}
