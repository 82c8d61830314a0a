package admin

import (
	"context"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/conn"
)

// PrepareCore is PrepareJetStream for core NATS, which needs nothing but a stream
// for its dead letters.
func PrepareCore(ctx context.Context, settings nats.Settings, cfg core.Config, mode sources.Mode) check.Report {
	i := &inspector{settings: settings, mode: mode}
	if !i.connect(append(settings.Validate(), cfg.Validate()...)) {
		i.skip(partSubjects, sources.PartDeadLetters)
		return i.report
	}
	defer i.conn.Close()
	i.subjects(ctx, cfg)
	if !cfg.DropRejected {
		i.deadLetters(ctx, "")
	}
	return i.report
}

// subjects tries whether they may be subscribed to.
func (i *inspector) subjects(ctx context.Context, cfg core.Config) {
	err := i.ask(ctx, func(ctx context.Context) error {
		for _, subject := range cfg.Subjects {
			sub, err := i.conn.QueueSubscribeSync(subject, cfg.Queue+".check") // a queue of its own: it takes nothing away
			if err != nil {
				return err
			}
			defer func() { _ = sub.Unsubscribe() }() // the connection ends soon
		}
		if err := i.conn.FlushWithContext(ctx); err != nil {
			return err
		}
		return ctx.Err()
	})
	if err != nil {
		i.report.Fail(check.Broker, partSubjects, conn.Denied(err))
		return
	}
	i.report.Add(check.Broker, partSubjects, check.OK, "may subscribe to "+strings.Join(cfg.Subjects, ", "), "")
}
