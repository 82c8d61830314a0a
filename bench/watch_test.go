//go:build real && linux

package bench_test

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// figure is what one contestant did in one run.
type figure struct {
	Rate      float64 // notifications per second
	CPU       float64 // µs per notification, of the sender's process
	ServerCPU float64 // µs per notification, of the XMPP server
	RSS       float64 // MB, the highest
	Pace      float64 // MB/s, of the server's core
	Joins     int     // how often the worker entered the room
	report
}

// meter watches one run from the room.
type meter struct {
	observer       *client
	sender, server int // processes
	shown          int
}

// moment is how far things are.
type moment struct {
	shown          int
	at             time.Time
	sender, server time.Duration // CPU used
}

func (m *meter) run(ctx context.Context, first, n int, patience time.Duration) (figure, error) {
	if err := m.observer.conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return figure{}, err
	}
	begin, err := m.until(first)
	if err != nil {
		return figure{}, err
	}
	probe, err := startProbe(ctx)
	if err != nil {
		return figure{}, err
	}
	end, err := m.until(n)
	pace, failed := probe.end()
	if err := errors.Join(err, failed); err != nil {
		return figure{}, err
	}
	count := float64(end.shown - begin.shown)
	per := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 / count }
	return figure{
		Rate: count / end.at.Sub(begin.at).Seconds(),
		CPU:  per(end.sender - begin.sender), ServerCPU: per(end.server - begin.server),
		RSS: resident(m.sender, "VmHWM"), Pace: pace,
	}, nil
}

// until waits until the room has shown n messages.
func (m *meter) until(n int) (moment, error) {
	for m.shown < n {
		back, err := m.observer.echoes()
		if err != nil {
			return moment{}, fmt.Errorf("observer, after %d of %d messages: %w", m.shown, n, err)
		}
		m.shown += back
	}
	now := moment{shown: m.shown, at: time.Now()}
	var err error
	if now.sender, err = cpu(m.sender); err != nil {
		return moment{}, err
	}
	now.server, err = cpu(m.server)
	return now, err
}
