package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

const (
	// defaultAge is how long a topic that is created keeps messages: well beyond
	// any outage, and not for ever, so that the disk does not fill.
	defaultAge = 30 * 24 * time.Hour
	// shortAge is an outage over a long weekend.
	shortAge = 4 * 24 * time.Hour
	// byDefault leaves a number to the brokers' settings.
	byDefault = -1
)

// purpose is what topics are for.
type purpose struct {
	class      check.Class
	part       string
	holds      string
	partitions int // of one that is created
	try        func(context.Context, client.Topic) error
	explain    func(topic string, err error) error
}

// topic finds or creates a topic, and looks whether it can be used.
func (in *inspection) topic(ctx context.Context, t client.Topic, p *purpose) {
	what := "found"
	if in.mode >= sources.CreateAll && errors.Is(t.Err, kafkago.UnknownTopicOrPartition) {
		what = "created"
		if err := in.create(ctx, t.Name, p.partitions); err != nil {
			in.report.Fail(p.class, p.part, err)
			return
		}
		t = in.awaitTopic(ctx, t.Name)
	}
	err := t.Err
	if err == nil {
		err = retryWhile(ctx, isNewTopic, func() error { return p.try(ctx, t) })
	}
	if err != nil {
		in.report.Fail(p.class, p.part, p.explain(t.Name, err))
		return
	}
	in.report.Add(p.class, p.part, check.OK, fmt.Sprintf("%s topic %s for %s (partitions: %d)", what, t.Name, p.holds, len(t.Leaders)), "")
	in.notes(ctx, t.Name, p)
}

// isNewTopic reports that a broker, or the library, does not know a topic yet that
// another broker knows.
func isNewTopic(err error) bool {
	return slices.ContainsFunc([]error{
		kafkago.UnknownTopicOrPartition, kafkago.LeaderNotAvailable, kafkago.NotLeaderForPartition,
		protocol.ErrNoTopic, protocol.ErrNoPartition, protocol.ErrNoLeader,
	}, func(passing error) bool { return errors.Is(err, passing) })
}

// awaitTopic returns a new topic when all its partitions have leaders.
func (in *inspection) awaitTopic(ctx context.Context, name string) client.Topic {
	t := client.Topic{Name: name}
	t.Err = retryWhile(ctx, isNewTopic, func() error {
		topics, err := in.Topics(ctx, name)
		if err != nil {
			return err
		}
		t = topics[name]
		for _, leader := range t.Leaders {
			if leader < 0 {
				return kafkago.LeaderNotAvailable
			}
		}
		return t.Err
	})
	return t
}

// create makes a topic, or says why not. That somebody else has just made it is no
// error.
func (in *inspection) create(ctx context.Context, name string, partitions int) error {
	response, err := in.API.CreateTopics(ctx, &kafkago.CreateTopicsRequest{Topics: []kafkago.TopicConfig{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: byDefault,
		ConfigEntries: []kafkago.ConfigEntry{
			{ConfigName: cleanupPolicy, ConfigValue: "delete"},
			{ConfigName: retention, ConfigValue: strconv.FormatInt(defaultAge.Milliseconds(), 10)},
		},
	}}})
	if err == nil {
		err = response.Errors[name]
	}
	fix := "create it with the brokers' own tools"
	switch {
	case err == nil, errors.Is(err, kafkago.TopicAlreadyExists):
		return nil
	case errors.Is(err, kafkago.TopicAuthorizationFailed), errors.Is(err, kafkago.ClusterAuthorizationFailed):
		fix = fmt.Sprintf("allow KAFKA_USER=%s to create it, or run init as another user", in.Config.User)
	case errors.Is(err, kafkago.InvalidReplicationFactor):
		fix = "let the brokers' default.replication.factor be no more than there are brokers"
	}
	return &check.Fault{What: fmt.Sprintf("topic %s cannot be created", name), Err: err, Fix: fix}
}

// The settings of topics that are looked at.
const (
	cleanupPolicy  = "cleanup.policy"
	retention      = "retention.ms"
	retentionBytes = "retention.bytes"
)

// notes tells of settings of a topic that let what it holds vanish. Who may not see
// them is not told: the worker itself need not.
func (in *inspection) notes(ctx context.Context, topic string, p *purpose) {
	set := in.settings(ctx, topic)
	note := func(is bool, name, consequence, fix string) {
		if is {
			in.report.Add(p.class, p.part, check.Warn, fmt.Sprintf("topic %s: %s is %s: %s", topic, name, set[name], consequence), fix)
		}
	}
	note(strings.Contains(set[cleanupPolicy], "compact"), cleanupPolicy, "of "+p.holds+" with the same key only the last stays, and those without a key are refused", "set it to delete")
	if set[cleanupPolicy] == "compact" {
		return // nothing else is removed
	}
	age, err := strconv.ParseInt(set[retention], 10, 64)
	note(err == nil && age >= 0 && age < shortAge.Milliseconds(), retention, p.holds+" vanish after that, delivered or not",
		fmt.Sprintf("set it to at least %d (%v)", shortAge.Milliseconds(), shortAge))
	bytes, err := strconv.ParseInt(set[retentionBytes], 10, 64)
	note(err == nil && bytes >= 0, retentionBytes, "a larger backlog overwrites itself", "set it to -1")
}

// settings returns some of the settings of a topic, as far as we may see them.
func (in *inspection) settings(ctx context.Context, topic string) map[string]string {
	set := map[string]string{}
	response, err := in.API.DescribeConfigs(ctx, &kafkago.DescribeConfigsRequest{Resources: []kafkago.DescribeConfigRequestResource{{
		ResourceType: kafkago.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{cleanupPolicy, retention, retentionBytes},
	}}})
	if err != nil {
		return set
	}
	for _, resource := range response.Resources {
		for _, entry := range resource.ConfigEntries {
			set[entry.ConfigName] = entry.ConfigValue
		}
	}
	return set
}
