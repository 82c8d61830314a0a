package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	kafkaadmin "github.com/xmpp-notifier/xmpp-notifier/sources/kafka/admin"
	kafkapublish "github.com/xmpp-notifier/xmpp-notifier/sources/kafka/publish"
	natsadmin "github.com/xmpp-notifier/xmpp-notifier/sources/nats/admin"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/jetstream"
	natspublish "github.com/xmpp-notifier/xmpp-notifier/sources/nats/publish"
	natsreplay "github.com/xmpp-notifier/xmpp-notifier/sources/nats/replay"
)

// sourceKind is a source that SOURCES may name. Everything that the command does
// with one kind and not with another is here.
type sourceKind struct {
	name   string
	groups []config.Group // its settings
	open   func(*slog.Logger) (sources.Source, error)
	// prepare looks at what the source needs in the broker, and creates what is
	// missing as far as the mode allows.
	prepare func(context.Context, sources.Mode) check.Report
	// deadLetters opens its dead letters.
	deadLetters func() (sources.DeadLetters, error)
	// publish opens a way for webhooks into the broker. Nil: it stores nothing.
	publish func(*slog.Logger) (publisher, error)
}

// The names in SOURCES.
const (
	sourceNATS  = "nats"
	sourceCore  = "nats-core"
	sourceKafka = "kafka"
)

// sourceNames are in the order of the help.
func sourceNames() []string {
	var names []string
	for _, kind := range new(settings).kinds() {
		names = append(names, kind.name)
	}
	return names
}

// kinds lists the sources there are, with the settings in s.
func (s *settings) kinds() []sourceKind {
	common := config.Group{Title: "NATS (SOURCES=nats and nats-core)", Spec: &s.natsCommon}
	return []sourceKind{{
		name:   sourceNATS,
		groups: []config.Group{common, {Title: "NATS JetStream (SOURCES=nats)", Spec: &s.nats}},
		open:   func(log *slog.Logger) (sources.Source, error) { return jetstream.Open(s.natsCommon, s.nats, log) },
		prepare: func(ctx context.Context, mode sources.Mode) check.Report {
			return natsadmin.PrepareJetStream(ctx, s.natsCommon, s.nats, mode)
		},
		deadLetters: func() (sources.DeadLetters, error) {
			return natsreplay.OpenJetStream(s.natsCommon, s.nats.Stream, s.nats.Consumer)
		},
		publish: func(log *slog.Logger) (publisher, error) {
			return natspublish.Open(s.natsCommon, s.ingest.Subject, log)
		},
	}, {
		name:   sourceCore,
		groups: []config.Group{common, {Title: "NATS without JetStream (SOURCES=nats-core)", Spec: &s.core}},
		open:   func(log *slog.Logger) (sources.Source, error) { return core.Open(s.natsCommon, s.core, log) },
		prepare: func(ctx context.Context, mode sources.Mode) check.Report {
			return natsadmin.PrepareCore(ctx, s.natsCommon, s.core, mode)
		},
		deadLetters: func() (sources.DeadLetters, error) {
			return natsreplay.OpenCore(s.natsCommon, s.core.Queue, s.core.Subjects, s.core.Reply)
		},
	}, {
		name:   sourceKafka,
		groups: []config.Group{{Title: "Kafka (SOURCES=kafka)", Spec: &s.kafka}},
		open:   func(log *slog.Logger) (sources.Source, error) { return kafka.Open(s.kafka, log) },
		prepare: func(ctx context.Context, mode sources.Mode) check.Report {
			return kafkaadmin.Init(ctx, s.kafka, mode)
		},
		deadLetters: func() (sources.DeadLetters, error) { return kafkaadmin.OpenDeadLetters(s.kafka) },
		publish: func(*slog.Logger) (publisher, error) {
			return kafkapublish.Open(s.kafka, s.topic())
		},
	}}
}

// kind returns the source of a name in SOURCES, which has been validated.
func (s *settings) kind(name string) sourceKind {
	kinds := s.kinds()
	return kinds[slices.IndexFunc(kinds, func(k sourceKind) bool { return k.name == name })]
}

// brokerLimit bounds the work with one broker.
const brokerLimit = 30 * time.Second

// look prepares the broker, within brokerLimit.
func (k sourceKind) look(ctx context.Context, mode sources.Mode) check.Report {
	ctx, cancel := context.WithTimeout(ctx, brokerLimit)
	defer cancel()
	return k.prepare(ctx, mode)
}

// sourceGroups are the settings of the sources that are on, or of all. Settings
// that two sources share are there once.
func (s *settings) sourceGroups(all bool) []config.Group {
	var groups []config.Group
	for _, kind := range s.kinds() {
		if !all && !slices.Contains(s.general.Sources, kind.name) {
			continue
		}
		for _, group := range kind.groups {
			if !slices.Contains(groups, group) {
				groups = append(groups, group)
			}
		}
	}
	return groups
}

// unknownSource says what else SOURCES may name.
func unknownSource() string {
	return "use " + strings.Join(sourceNames(), ", ") + ", or several with commas between"
}
