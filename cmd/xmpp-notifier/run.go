package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.opentelemetry.io/otel/trace"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/internal/systemd"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/audit"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/traces"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

func newRunCommand() *cobra.Command {
	return &cobra.Command{
		Use: "run", Short: "carry notifications until SIGTERM or SIGINT (the default)", GroupID: groupWork,
		Args: noArguments, RunE: runWorker,
	}
}

func runWorker(c *cobra.Command, _ []string) error {
	hangup, stop := serviceSignals()
	defer stop()
	var s settings
	if _, err := s.load(); err != nil {
		return err
	}
	log := s.startLog(c)
	records, err := audit.Open(s.audit, c.OutOrStdout(), log)
	if err != nil {
		return &usageError{err}
	}
	return errors.Join(s.run(c.Context(), hangup, log, records), records.Close())
}

// startLog opens the log of a service. It begins with the variables that look wrong.
func (s *settings) startLog(c *cobra.Command) *slog.Logger {
	if verbose(c) {
		s.general.LogLevel = "debug"
	}
	log := s.general.logger(c.ErrOrStderr())
	for _, line := range warnings() {
		log.Warn("variable looks wrong", "reason", line)
	}
	return log
}

// run works until ctx ends.
func (s *settings) run(ctx context.Context, hangup <-chan os.Signal, log *slog.Logger, records *audit.Log) error {
	room, err := sink.New(s.room, log)
	if err != nil {
		return &usageError{err}
	}
	first, err := s.texts(log)
	if err != nil {
		return err
	}
	texts := new(liveTexts)
	texts.Store(&first)
	limit := s.memory.Effective()
	limit.Apply()
	keepToOneCore()
	log.Info("memory is bounded", "limit_bytes", limit.Bytes, "origin", limit.Origin)
	spans, err := traces.Start(ctx, s.traces, programVersion(), log)
	if err != nil {
		return &usageError{err}
	}
	defer spans.Close()
	from, err := s.open(log)
	if err != nil {
		return err
	}
	w := worker.Worker{
		Room: room, Sources: from,
		Signer: s.signer(), Decoder: texts.decoder,
		Posts:       worker.Posts{Filter: texts.hide, Render: texts.text, Payload: texts.payload, GroupAbove: s.text.GroupAbove},
		Digests:     worker.Digests{DigestConfig: s.digest, Text: texts.digest, ExpiredText: texts.expired},
		Corrections: worker.Corrections{CorrectionConfig: s.correct, Line: texts.line},
		MaxInFlight: s.room.MaxInFlight, MaxPendingBytes: limit.Messages(), Grace: s.worker.Grace, Log: log,
	}
	t := s.observe(&w, room, spans.Tracer(), texts.failures, records)
	room.AnnounceOutages(func(o sink.Outage) string {
		waiting, oldest := w.Waiting()
		if s.digest.Outage == 0 || o.To.Sub(o.From) < s.digest.Outage || waiting == 0 {
			return ""
		}
		return texts.outage(o, waiting, oldest)
	})
	admin, err := telemetry.Serve(ctx, s.admin, t.Handler(), log)
	if err != nil {
		return errors.Join(&usageError{err}, w.Close(context.WithoutCancel(ctx)))
	}
	defer context.AfterFunc(ctx, t.Stopping)()
	var beside sync.WaitGroup
	beside.Go(func() { systemd.Report(ctx, func() systemd.State { return stateOf(t) }, log) })
	beside.Go(func() { texts.reloadOnHangup(ctx, hangup, room, log) })
	for _, name := range s.general.Sources {
		beside.Go(func() { s.warnOfBroker(ctx, name, log) })
	}
	defer beside.Wait()
	return errors.Join(w.Run(ctx), admin.Close())
}

// keepToOneCore has the process run on one core, which costs less than several that
// wake each other (docs/decisions/0032-one-core.md). GOMAXPROCS has precedence.
func keepToOneCore() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(1)
	}
}

// signer has the secret that all workers of the room share.
func (s *settings) signer() *sources.Signer {
	if s.room.IDKey.IsZero() {
		return sources.NewSigner(s.room.Password.Reveal())
	}
	return sources.NewSigner(s.room.IDKey.Reveal())
}

// stateOf is one line of /status.
func stateOf(t *telemetry.Telemetry) systemd.State {
	problems := t.Problems()
	if len(problems) == 0 {
		return systemd.State{Ready: true, Line: "in the room, all sources receive"}
	}
	return systemd.State{Line: strings.Join(problems, "; ")}
}

// observe makes the parts report to telemetry and to the audit.
func (s *settings) observe(w *worker.Worker, room *sink.Room, tracer trace.Tracer, failures func() int64, records *audit.Log) *telemetry.Telemetry {
	t := telemetry.New(telemetry.Options{
		Version: programVersion(), Room: room, Sources: w.Sources, Worker: w, MaxInFlight: w.MaxInFlight, MaxPendingBytes: w.MaxPendingBytes, StalledAfter: s.room.StallTimeout / 2,
		Tracer: tracer, TemplateFailures: failures, AuditMissing: records.Missing,
	})
	w.Observe = func(e worker.Event) {
		records.Observe(e)
		t.ObserveWorker(e)
	}
	room.Observe(t.ObserveRoom)
	return t
}

// open starts the sources that are on. They connect in the background: a
// broker that is away is no reason not to start.
func (s *settings) open(log *slog.Logger) ([]sources.Source, error) {
	var from []sources.Source
	for _, name := range s.general.Sources {
		source, err := s.kind(name).open(log)
		if err != nil {
			return nil, &usageError{fmt.Errorf("open source %s: %w", name, err)}
		}
		from = append(from, source)
	}
	return from, nil
}

// lookAgain is the pause before a broker that was away is looked at again.
const lookAgain = 10 * time.Second

// warnOfBroker looks at the broker of a source once, as soon as it is there, and
// says in the log what check would say. The worker itself would find out too late
// that dead letters have no place, and never that a stream forgets.
func (s *settings) warnOfBroker(ctx context.Context, name string, log *slog.Logger) {
	report := s.kind(name).look(ctx, sources.CheckOnly)
	for unreachable(report) {
		if !backoff.Wait(ctx, lookAgain) {
			return
		}
		report = s.kind(name).look(ctx, sources.CheckOnly)
	}
	if ctx.Err() != nil {
		return
	}
	for _, wrong := range report.Of(check.Fail) {
		log.Warn("broker is misconfigured", "source", name, "error", wrong)
	}
}

// unreachable reports whether there was nothing to look at. The source says why.
func unreachable(r check.Report) bool {
	return len(r) > 0 && r[0].Name == sources.PartConnection && r[0].Status == check.Fail
}
