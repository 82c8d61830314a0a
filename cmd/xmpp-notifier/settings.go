package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats"
	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

// general are the settings that belong to no part.
type general struct {
	Sources   []string `envconfig:"SOURCES" required:"true" desc:"Where notifications come from: nats, kafka, or nats,kafka. Only the settings of these are read."`
	LogLevel  string   `envconfig:"LOG_LEVEL" default:"info" desc:"debug, info, warn or error. One line per change of state; debug has more."`
	LogFormat string   `envconfig:"LOG_FORMAT" default:"text" desc:"text or json."`
}

// The names in SOURCES.
const (
	sourceNATS  = "nats"
	sourceKafka = "kafka"
)

// Validate returns everything that is wrong with g.
func (g *general) Validate() []error {
	var errs []error
	for i, name := range g.Sources {
		if name != sourceNATS && name != sourceKafka {
			errs = append(errs, fmt.Errorf("SOURCES: unknown source %q: use %s, %s, or both with a comma between", name, sourceNATS, sourceKafka))
		}
		if slices.Contains(g.Sources[:i], name) {
			errs = append(errs, fmt.Errorf("SOURCES: %q is there twice: remove one", name))
		}
	}
	if _, err := g.level(); err != nil {
		errs = append(errs, err)
	}
	if g.LogFormat != "text" && g.LogFormat != "json" {
		errs = append(errs, fmt.Errorf("LOG_FORMAT=%q: use text or json", g.LogFormat))
	}
	return errs
}

func (g *general) level() (slog.Level, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(g.LogLevel)); err != nil {
		return 0, fmt.Errorf("LOG_LEVEL=%q: use debug, info, warn or error", g.LogLevel)
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
	worker  worker.Config
	room    sink.Config
	nats    nats.Config
	kafka   kafka.Config
}

// groups lists the settings in the order in which people read them. Those of
// a source that is off are left out unless all is set.
func (s *settings) groups(all bool) []config.Group {
	groups := []config.Group{
		{Title: "General", Spec: &s.general},
		{Title: "Worker", Spec: &s.worker},
		{Title: "XMPP account and room", Spec: &s.room},
	}
	if all || slices.Contains(s.general.Sources, sourceNATS) {
		groups = append(groups, config.Group{Title: "NATS JetStream (SOURCES=nats)", Spec: &s.nats})
	}
	if all || slices.Contains(s.general.Sources, sourceKafka) {
		groups = append(groups, config.Group{Title: "Kafka (SOURCES=kafka)", Spec: &s.kafka})
	}
	return groups
}

// load reads the settings from the environment. The error, if any, has a line
// for everything that is wrong.
func (s *settings) load() ([]config.Setting, error) {
	first, errs := config.Load(s.groups(false)[0])
	rest, more := config.Load(s.groups(false)[1:]...) // SOURCES is known now
	if errs = append(errs, more...); len(errs) > 0 {
		return nil, &usageError{fmt.Errorf("settings are wrong:\n%w\nxmpp-notifier --help explains every setting", errors.Join(errs...))}
	}
	return append(first, rest...), nil
}
