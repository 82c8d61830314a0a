package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/internal/systemd"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
)

const ingestHelp = `ingest receives webhooks and publishes them to the broker, from which the worker
carries them into the room. It answers 200 only when the broker has stored the
notification. Alertmanager, Grafana, Payara, and everything that can send to Slack
have webhooks. docs/ingest.md has the setup of each.

  POST /v1/alertmanager    Alertmanager's webhook
  POST /v1/grafana         Grafana's webhook
  POST /v1/payara          the card of Payara's Teams notifier
  POST /v1/slack           a message for Slack's incoming webhooks
  POST /v1/text            text, with the parameters subject, severity, source and id
  POST /v1/notifications   any format that the worker reads

The token (INGEST_TOKEN) comes as Authorization: Bearer TOKEN, as the password of
basic authentication, or at the end of the path: /v1/slack/TOKEN.`

func newIngestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "ingest", Short: "receive webhooks, and publish them to the broker", Long: ingestHelp, GroupID: groupWork,
		Args: noArguments, RunE: func(c *cobra.Command, _ []string) error { return runIngest(c) },
	}
}

// publisher is a way into a broker that must be closed.
type publisher interface {
	ingest.Publisher
	Close() error
}

func runIngest(c *cobra.Command) error {
	_, stop := serviceSignals() // it reads its certificate again by itself
	defer stop()
	var s settings
	to, err := s.loadIngest()
	if err != nil {
		return err
	}
	log := s.startLog(c)
	p, err := to.publish(log)
	if err != nil {
		return &usageError{err}
	}
	return errors.Join(s.takeWebhooks(c.Context(), p, log), p.Close())
}

// loadIngest reads the settings, and returns the broker that webhooks go into.
func (s *settings) loadIngest() (sourceKind, error) {
	_, errs := config.Load(config.Group{Spec: &s.general}, config.Group{Spec: &s.ingest}, config.Group{Spec: &s.worker}, config.Group{Spec: &s.admin})
	to, err := s.ingestTarget()
	if err != nil {
		errs = append(errs, err)
	} else {
		_, more := config.Load(to.groups[0])
		errs = append(errs, more...)
	}
	return to, wrong(errs)
}

// ingestTarget is the kind of INGEST_TO, or the one that SOURCES leaves no doubt about.
func (s *settings) ingestTarget() (sourceKind, error) {
	able := slices.DeleteFunc(s.kinds(), func(k sourceKind) bool { return k.publish == nil })
	var named []sourceKind
	for _, kind := range able {
		if kind.name == s.ingest.To || s.ingest.To == "" && slices.Contains(s.general.Sources, kind.name) {
			named = append(named, kind)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], nil
	case s.ingest.To != "":
		return sourceKind{}, check.Faultf(fmt.Sprintf("use %s or %s", able[0].name, able[1].name), "INGEST_TO=%q", s.ingest.To)
	case len(named) > 1:
		return sourceKind{}, check.Faultf(fmt.Sprintf("set it to %s or %s", named[0].name, named[1].name), "INGEST_TO is not set, and SOURCES names several brokers")
	}
	return sourceKind{}, check.Faultf(fmt.Sprintf("set it to %s or %s", able[0].name, able[1].name), "INGEST_TO is not set, and SOURCES names no broker that stores messages")
}

// takeWebhooks answers webhooks until ctx ends.
func (s *settings) takeWebhooks(ctx context.Context, p ingest.Publisher, log *slog.Logger) error {
	t := telemetry.NewIngest(programVersion())
	handler := ingest.New(s.ingest, p, log, func(e ingest.Event) { t.Observe(e.Format, e.Code, e.Duration) })
	server, err := ingest.Listen(ctx, s.ingest, handler, log)
	if err != nil {
		return &usageError{err}
	}
	admin, err := telemetry.Serve(ctx, s.admin, t.Handler(), log)
	if err != nil {
		return errors.Join(&usageError{err}, server.Close())
	}
	defer context.AfterFunc(ctx, t.Stopping)()
	var reporting sync.WaitGroup
	defer reporting.Wait()
	reporting.Go(func() {
		systemd.Report(ctx, func() systemd.State { return systemd.State{Ready: true, Line: "takes webhooks"} }, log)
	})
	err = server.Run(ctx, s.worker.Grace)
	log.Info("stopped")
	return errors.Join(err, admin.Close())
}

// topic is where webhooks go on Kafka.
func (s *settings) topic() string { return cmp.Or(s.ingest.Topic, s.kafka.Topics[0]) }
