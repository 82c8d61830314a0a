package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/filter"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/internal/memory"
	"github.com/xmpp-notifier/xmpp-notifier/render"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sink/setup"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/audit"
	"github.com/xmpp-notifier/xmpp-notifier/telemetry/traces"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// general are the settings that belong to no part.
type general struct {
	Sources   []string `envconfig:"SOURCES" required:"true" desc:"Where notifications come from: nats (JetStream), nats-core (NATS without JetStream, at most once) and kafka, comma-separated. Only the settings of these are read."`
	LogLevel  string   `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error. One line per change of state; debug has more."`
	LogFormat string   `envconfig:"LOG_FORMAT" default:"text" desc:"text or json."`
}

// Validate returns everything that is wrong with g.
func (g *general) Validate() []error {
	var errs []error
	for i, name := range g.Sources {
		if !slices.Contains(sourceNames(), name) {
			errs = append(errs, check.Faultf(unknownSource(), "SOURCES: unknown source %q", name))
		}
		if slices.Contains(g.Sources[:i], name) {
			errs = append(errs, check.Faultf("remove one", "SOURCES: %q is there twice", name))
		}
	}
	if _, err := g.level(); err != nil {
		errs = append(errs, err)
	}
	if g.LogFormat != "text" && g.LogFormat != "json" {
		errs = append(errs, check.Faultf("use text or json", "LOG_FORMAT=%q", g.LogFormat))
	}
	return errs
}

func (g *general) level() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.LogLevel)); err != nil {
		return 0, check.Faultf("use debug, info, warn or error", "LOG_LEVEL=%q", g.LogLevel)
	}
	return level, nil
}

// logger writes to w as the settings say.
func (g *general) logger(w io.Writer) *slog.Logger {
	level, _ := g.level() // validated
	options := &slog.HandlerOptions{Level: level}
	if g.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// settings are all settings of the program.
type settings struct {
	general general
	format  envelope.Config
	filter  filter.Config
	text    render.Config
	worker  worker.Config
	digest  worker.DigestConfig
	correct worker.CorrectionConfig
	memory  memory.Config
	audit   audit.Config
	room    sink.Config
	setup   setup.Config
	ingest  ingest.Config
	kafka   kafka.Config
	admin   telemetry.Config
	traces  traces.Config

	natsCommon nats.Settings
	nats       jetstream.Config
	core       core.Config
}

// groups lists the settings in the order in which people read them. Those of
// a source that is off, and of a command of its own, are left out unless all is set.
func (s *settings) groups(all bool) []config.Group {
	groups := []config.Group{{Title: "General", Spec: &s.general}}
	groups = append(groups, s.textGroups()...)
	groups = append(groups,
		config.Group{Title: "Digests, see docs/formats.md", Spec: &s.digest},
		config.Group{Title: "Recoveries, see docs/formats.md", Spec: &s.correct},
		config.Group{Title: "Worker", Spec: &s.worker},
		config.Group{Title: "Memory", Spec: &s.memory},
		config.Group{Title: "Audit, see docs/metrics.md", Spec: &s.audit},
		config.Group{Title: "Admin port, see docs/metrics.md", Spec: &s.admin},
		config.Group{Title: "Traces, see docs/metrics.md", Spec: &s.traces},
		config.Group{Title: "XMPP account and room", Spec: &s.room},
	)
	if all { // of a command of its own
		groups = append(groups,
			config.Group{Title: "XMPP administrator, for xmpp-notifier setup", Spec: &s.setup},
			config.Group{Title: "Webhooks, for xmpp-notifier ingest, see docs/ingest.md", Spec: &s.ingest},
		)
	}
	return append(groups, s.sourceGroups(all)...)
}

// textGroups are the settings of what stands between a broker and the room.
func (s *settings) textGroups() []config.Group {
	return []config.Group{
		{Title: "Formats, see docs/formats.md", Spec: &s.format},
		{Title: "Filter, see docs/formats.md", Spec: &s.filter},
		{Title: "Text, see docs/templates.md", Spec: &s.text},
	}
}

// texts is what stands between a broker and the room.
type texts struct {
	decoder  envelope.Decoder
	filter   *filter.Filter
	renderer *render.Renderer
}

func (s *settings) texts(log *slog.Logger) (texts, error) {
	decoder, format := envelope.NewDecoder(s.format)
	shown, match := filter.New(s.filter)
	renderer, text := render.New(s.text, log)
	if err := errors.Join(format, match, text); err != nil {
		return texts{}, &usageError{err}
	}
	return texts{decoder, shown, renderer}, nil
}

// hide says why a notification is not shown.
func (t *texts) hide(e *envelope.Envelope) string {
	return string(t.filter.Judge(e))
}

// load reads the settings from the environment. The error, if any, has a line
// for everything that is wrong.
func (s *settings) load() ([]config.Setting, error) {
	loaded, errs := s.loadAll()
	return loaded, wrong(errs)
}

// loadAll is load with the errors one by one.
func (s *settings) loadAll() ([]config.Setting, []error) {
	first, errs := config.Load(s.groups(false)[0])
	rest, more := config.Load(s.groups(false)[1:]...) // SOURCES is known now
	s.kafka.MaxBatch = s.memory.Effective().Batch()
	s.nats.Holds = s.digest.MaxPending(s.room.MaxInFlight)
	return append(first, rest...), append(errs, more...)
}

// warnings has a line for every variable that looks like a setting and is none, and
// for every setting that is in quotes.
func warnings() []string {
	return config.Suspicious(os.Environ(), new(settings).groups(true)...)
}

// wrong is the error for what is wrong with the settings, or nil.
func wrong(errs []error) error {
	if len(errs) == 0 {
		return nil
	}
	for _, line := range warnings() {
		errs = append(errs, errors.New(line))
	}
	return &usageError{fmt.Errorf("settings are wrong:\n%w\nSee: xmpp-notifier help settings", errors.Join(errs...))}
}
