package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	client "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/subject"
)

// lookEvery is how often the consumer is looked at. Messages tell of it as well,
// but while the room is away, or the consumer paused, there are none.
const lookEvery = 5 * time.Second

// monitor looks at the consumer: how much waits, whether it is paused, and whether
// messages were removed from the stream before they were delivered.
type monitor struct {
	src     *Source
	last    jetstream.SequenceInfo // what was delivered at the last look
	created time.Time              // of the consumer that it was delivered by; zero: no look yet
	whole   bool                   // the consumer reads all subjects of its stream
}

// run looks until ctx ends.
func (m *monitor) run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		if m.src.conn.IsConnected() {
			m.look(ctx)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// look looks once. What fails here fails for Receive as well, which tells.
func (m *monitor) look(ctx context.Context) {
	info, err := m.src.lookUp(ctx, false)
	if err != nil {
		return
	}
	m.notePause(info)
	if !info.Created.Equal(m.created) {
		m.created, m.last = info.Created, info.Delivered
		m.whole = m.readsAll(ctx, info.Config)
		return
	}
	if gone := removed(m.last, info.Delivered); m.whole && gone > 0 {
		m.src.log.Warn("notifications were removed from the stream before they were delivered: it was purged, or has reached a limit",
			"count", gone, "from", m.last.Stream, "to", info.Delivered.Stream)
	}
	m.last = info.Delivered
}

// removed is at least how many messages the stream has lost between two looks: as
// many as its sequence went further than deliveries can explain.
func removed(before, now jetstream.SequenceInfo) uint64 {
	if now.Stream < before.Stream || now.Consumer < before.Consumer {
		return 0
	}
	stream, consumer := now.Stream-before.Stream, now.Consumer-before.Consumer
	return stream - min(stream, consumer)
}

// readsAll reports whether the consumer gets every message of the stream, as far
// as the user may look at that.
func (m *monitor) readsAll(ctx context.Context, c jetstream.ConsumerConfig) bool {
	filters := filtersOf(c)
	stream, err := m.src.conn.JS.Stream(ctx, m.src.cfg.Stream)
	if err != nil {
		return len(filters) == 0
	}
	config := stream.CachedInfo().Config
	switch {
	case config.Mirror != nil: // which has the gaps of what it mirrors
		return false
	case len(filters) == 0:
		return true
	case len(config.Sources) > 0 || config.SubjectTransform != nil: // there are other subjects than those it listens to
		return false
	}
	return !slices.ContainsFunc(config.Subjects, func(s string) bool {
		return !slices.ContainsFunc(filters, func(f string) bool { return subject.Covers(f, s) })
	})
}

// optional reports whether err is that the user may not look at the stream, or hear of
// elections, which the worker can do without.
func (s *Source) optional(err error) bool {
	text := err.Error()
	return errors.Is(err, client.ErrPermissionViolation) &&
		(strings.Contains(text, ".STREAM.INFO."+s.cfg.Stream) || strings.Contains(text, s.elected()))
}

// notePause tells that the consumer delivers nothing because somebody has paused
// it.
func (m *monitor) notePause(info *jetstream.ConsumerInfo) {
	stream, consumer := m.src.cfg.Stream, m.src.cfg.Consumer
	if !info.Paused {
		if m.src.health.Paused("") != "" {
			m.src.log.Info("the consumer is no longer paused", "consumer", consumer)
		}
		return
	}
	until := time.Now().Add(info.PauseRemaining).UTC().Truncate(time.Second)
	fix := fmt.Sprintf("nats consumer resume %s %s", stream, consumer)
	problem := fmt.Sprintf("consumer %q of stream %q is paused until %s: %s", consumer, stream, until.Format(time.RFC3339), fix)
	if m.src.health.Paused(problem) == "" {
		m.src.log.Warn("the consumer is paused, nothing is received", "consumer", consumer, "until", until, "fix", fix)
	}
}
