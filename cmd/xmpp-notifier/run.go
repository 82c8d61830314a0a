package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/xmpp-notifier/xmpp-notifier/render"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// run works until ctx ends.
func run(ctx context.Context, stderr io.Writer) error {
	var s settings
	if _, err := s.load(); err != nil {
		return err
	}
	log := s.general.logger(stderr)
	room, err := sink.New(s.room, log)
	if err != nil {
		return &usageError{err}
	}
	from, err := s.open(log)
	if err != nil {
		return err
	}
	w := worker.Worker{
		Room: room, Sources: from, Render: render.Text,
		Window: s.room.Window, Grace: s.worker.Grace, Log: log,
	}
	return w.Run(ctx)
}

// open starts the sources that are on. They connect in the background: a
// broker that is away is no reason not to start.
func (s *settings) open(log *slog.Logger) ([]sources.Source, error) {
	var from []sources.Source
	for _, name := range s.general.Sources {
		source, err := s.openOne(name, log)
		if err != nil {
			return nil, &usageError{fmt.Errorf("open source %s: %w", name, err)}
		}
		from = append(from, source)
	}
	return from, nil
}

func (s *settings) openOne(name string, log *slog.Logger) (sources.Source, error) {
	if name == sourceKafka {
		return kafka.Open(s.kafka, log)
	}
	return nats.Open(s.nats, log)
}
