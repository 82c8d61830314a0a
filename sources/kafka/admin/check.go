// Package admin looks at a Kafka cluster and prepares it, and gives access to
// its dead letters. The source does not need it.
package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/internal/backoff"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// The names of what is looked at, beside connection and dead letters.
const (
	partTopic = "topic"
	partGroup = "group"
)

// Init looks whether the cluster has the topics that the source needs, and lets
// us use them and the group. With [sources.CreateAll] it creates the topics that are
// missing. What exists is left as it is, and looked through for settings that
// defeat the promises.
func Init(ctx context.Context, cfg kafka.Config, mode sources.Mode) check.Report {
	in := &inspection{mode: mode}
	var err error
	if in.Client, err = client.New(cfg); err != nil {
		in.report.Fail(check.Settings, "settings", err)
		return in.report
	}
	defer in.Close()
	names := slices.Clone(cfg.Topics)
	for _, name := range cfg.Topics {
		names = append(names, cfg.DeadLetterTopic(name))
	}
	topics, err := in.Topics(ctx, names...)
	if err != nil {
		in.report.Fail(check.Broker, sources.PartConnection, err)
		in.report.Add(check.Broker, partTopic, check.Skip, "not checked", "")
		in.report.Add(check.Broker, partGroup, check.Skip, "not checked", "")
		in.report.Add(check.DeadLetters, sources.PartDeadLetters, check.Skip, "not checked", "")
		return in.report
	}
	in.report.Add(check.Broker, sources.PartConnection, check.OK, "connected to "+cfg.BrokerList(), "")
	for _, name := range cfg.Topics {
		in.topic(ctx, topics[name], &purpose{check.Broker, partTopic, "notifications", byDefault, in.tryRead, in.ExplainTopic})
	}
	in.group(ctx)
	for _, name := range cfg.Topics {
		in.topic(ctx, topics[cfg.DeadLetterTopic(name)], &purpose{check.DeadLetters, sources.PartDeadLetters, "dead letters", 1, in.tryWrite, in.ExplainDeadLetters})
	}
	return in.report
}

// inspection looks into the cluster.
type inspection struct {
	*client.Client
	mode   sources.Mode
	report check.Report
}

// tryRead asks for nothing, which only those get who may read.
func (in *inspection) tryRead(ctx context.Context, t client.Topic) error {
	end, err := in.Offset(ctx, t, 0, client.End)
	if err != nil {
		return err
	}
	response, err := in.API.Fetch(ctx, &kafkago.FetchRequest{Topic: t.Name, Offset: end, MinBytes: 0, MaxBytes: 1})
	if err != nil {
		return err
	}
	return response.Error
}

// retryFor is how long a cluster may take to name the coordinator of the group, for
// which it makes a topic if it is its first, or to serve a topic that is new.
const retryFor = 10 * time.Second

// retryWhile asks until the answer is not one that passes by itself.
func retryWhile(ctx context.Context, passes func(error) bool, ask func() error) error {
	err := ask()
	for end := time.Now().Add(retryFor); passes(err) && time.Now().Before(end) && backoff.Wait(ctx, retryFor/20); {
		err = ask()
	}
	return err
}

// group looks whether we may use the group, without joining it. Whoever has
// members is only described.
func (in *inspection) group(ctx context.Context) {
	var workers int
	err := retryWhile(ctx, noCoordinator, func() (err error) {
		workers, err = in.Workers(ctx)
		return err
	})
	if err == nil && workers == 0 {
		err = in.tryJoin(ctx)
	}
	name := in.Config.GroupID
	if _, refused := errors.AsType[kafkago.Error](err); refused && in.Fix(err) == "" {
		in.report.Add(check.Broker, partGroup, check.Warn, fmt.Sprintf("group %s: %v", name, err), "if that persists, see the brokers' logs")
		return
	}
	if err != nil {
		in.report.Fail(check.Broker, partGroup, in.Explain(err))
		return
	}
	in.report.Add(check.Broker, partGroup, check.OK, fmt.Sprintf("may use the group %s, which has %d workers", name, workers), "")
}

func noCoordinator(err error) bool {
	return errors.Is(err, kafkago.NotCoordinatorForGroup) || errors.Is(err, kafkago.GroupCoordinatorNotAvailable) || errors.Is(err, kafkago.GroupLoadInProgress)
}

// tryJoin asks to join as a member that the group does not have. A broker says
// so only to those who may join as we would. (The library misreads the answer to
// a heartbeat.)
func (in *inspection) tryJoin(ctx context.Context) error {
	session := in.Config.SessionTimeout
	response, err := in.API.JoinGroup(ctx, &kafkago.JoinGroupRequest{
		GroupID: in.Config.GroupID, MemberID: "check", SessionTimeout: session, RebalanceTimeout: session, ProtocolType: "consumer",
		Protocols: []kafkago.GroupProtocol{{Name: kafka.BalancerName, Metadata: kafkago.GroupProtocolSubscription{Topics: in.Config.Topics}}},
	})
	if err == nil {
		err = response.Error
	}
	if errors.Is(err, kafkago.UnknownMemberId) {
		return nil
	}
	return err
}

// noSuchAcks is a number of acknowledgements that brokers refuse, but only after
// they have looked whether we may write.
const noSuchAcks kafkago.RequiredAcks = 2

// tryWrite writes nothing: the broker says what is wrong with the request only
// to those who may write.
func (in *inspection) tryWrite(ctx context.Context, t client.Topic) error {
	response, err := in.API.Produce(ctx, &kafkago.ProduceRequest{
		Topic: t.Name, RequiredAcks: noSuchAcks,
		Records: kafkago.NewRecordReader(kafkago.Record{Value: kafkago.NewBytes([]byte("check"))}),
	})
	if err == nil {
		err = response.Error
	}
	if errors.Is(err, kafkago.InvalidRequiredAcks) {
		return nil
	}
	return err
}
