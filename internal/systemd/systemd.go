// Package systemd tells the service manager how the worker is (sd_notify(3)):
// ready when it first is, a line of status when that changes, and signs for the
// watchdog. Without systemd it does nothing.
package systemd

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// State is how the worker is.
type State struct {
	Ready bool
	Line  string // what systemctl status shows
}

// every is how often the state is looked at.
const every = time.Second

// Report reports until ctx ends, and then that the worker stops. The watchdog is
// told for as long as state returns: a worker that hangs does not.
func Report(ctx context.Context, state func() State, log *slog.Logger) {
	if os.Getenv("NOTIFY_SOCKET") == "" {
		return
	}
	r := reporter{log: log, watched: watched(log)}
	look := time.NewTicker(r.interval())
	defer look.Stop()
	for {
		r.report(state())
		select {
		case <-look.C:
		case <-ctx.Done():
			r.send(daemon.SdNotifyStopping)
			return
		}
	}
}

// watched is the time after which the watchdog bites, 0 if there is none.
func watched(log *slog.Logger) time.Duration {
	limit, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is ignored", "error", err)
	}
	return limit
}

type reporter struct {
	log     *slog.Logger
	watched time.Duration
	ready   bool
	last    string
	failed  bool
}

func (r *reporter) interval() time.Duration {
	if r.watched > 0 {
		return min(every, r.watched/2)
	}
	return every
}

func (r *reporter) report(s State) {
	if s.Line != r.last {
		r.last = s.Line
		r.send("STATUS=" + s.Line)
	}
	if s.Ready && !r.ready {
		r.ready = true
		r.send(daemon.SdNotifyReady)
	}
	if r.watched > 0 {
		r.send(daemon.SdNotifyWatchdog)
	}
}

func (r *reporter) send(text string) {
	if _, err := daemon.SdNotify(false, text); err != nil && !r.failed {
		r.failed = true
		r.log.Warn("notify systemd failed", "error", err)
	}
}
