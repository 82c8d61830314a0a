package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/render"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

const (
	account = "notifier" // and its nickname in the room
	ackWait = 30 * time.Second
	grace   = 5 * time.Second
)

// startWorker puts the parts together as cmd/xmpp-notifier does. What it returns stops
// the worker as SIGTERM does, and waits for it.
func startWorker(d *demo, dir string) (stop func() error, err error) {
	log := slog.New(slog.DiscardHandler)
	if d.opts.verbose {
		log = d.screen.logger()
	}
	cfg, err := roomConfig(d.room.Server, dir)
	if err != nil {
		return nil, err
	}
	room, err := sink.New(cfg, log)
	if err != nil {
		return nil, fmt.Errorf("make the worker's room: %w", err)
	}
	source, err := jetstream.Open(
		nats.Settings{URLs: []string{d.broker.url()}, DLQSubject: "dlq", InboxPrefix: "_INBOX"},
		jetstream.Config{Stream: streamName, Consumer: durableName, AckWait: ackWait}, log)
	if err != nil {
		return nil, fmt.Errorf("open the worker's source: %w", err)
	}
	w := worker.Worker{
		Room: room, Sources: []sources.Source{source}, Posts: worker.Posts{Render: render.Text},
		MaxInFlight: cfg.MaxInFlight, Grace: grace, Log: log,
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	return func() error {
		cancel()
		return <-ended
	}, nil
}

// roomConfig has the defaults of the command, and the account on srv.
func roomConfig(srv *sinktest.Server, dir string) (sink.Config, error) {
	ca := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		return sink.Config{}, fmt.Errorf("write the room's certificate authority: %w", err)
	}
	return sink.Config{
		JID: account + "@" + srv.Domain(), Password: config.NewSecret(account + "-pw"), Addr: srv.Addr(), TLS: "starttls",
		CAFile: ca, Room: srv.RoomJID(),
		Limits: sink.Limits{
			MaxInFlight: 16, MaxStanzaBytes: 65000, ConnectTimeout: 30 * time.Second, PingInterval: 30 * time.Second,
			StallTimeout: 60 * time.Second, ReconnectMax: 30 * time.Second,
		},
	}, nil
}
