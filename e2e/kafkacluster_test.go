//go:build real

package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// kafkaCluster is three real brokers. Topics are on all of them, and are written
// while two are in sync.
type kafkaCluster struct{ *testbed.KafkaCluster }

func (b *bed) kafkaCluster(t *testing.T) *kafkaCluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	c, err := testbed.StartKafkaCluster(ctx, b.options(0))
	if !b.started(t, c, err) {
		return nil
	}
	return &kafkaCluster{c}
}

func (c *kafkaCluster) open(t *testing.T) broker { t.Helper(); return newKafka(t, c.Addrs()...) }

// TestKafkaCluster kills, under load, the leader of a partition and the coordinator
// of the group, and moves a leader: nothing is lost, and nothing is shown twice.
func TestKafkaCluster(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	cluster := bed.kafkaCluster(t)
	bed.summary(t)
	if cluster == nil {
		return
	}
	const portion = 300
	room := func(t *testing.T) roomServer { return inProcessRoom(t, 500) }
	tr := bench{broker: cluster.open}.trial(t, room(t))
	stop := tr.watch.checkAcks(tr.broker, none)
	startWorker(t, tr.env)
	kafka, _ := tr.broker.(*kafkaBroker)
	published := 0
	for name, fault := range map[string]func(context.Context) error{
		"leader killed":      func(ctx context.Context) error { return cluster.killLeader(ctx, kafka, 0) },
		"coordinator killed": func(ctx context.Context) error { return cluster.killCoordinator(ctx, kafka) },
		"leader moved":       func(ctx context.Context) error { return kafka.moveLeaders(ctx) },
	} {
		load := tr.load(portion)
		published += portion
		tr.watch.wait(published - 2*portion/3)
		until(t, name, func(ctx context.Context) (bool, error) { // the one before may not be over yet
			err := fault(ctx)
			return err == nil, err
		})
		load.Wait()
		tr.watch.wait(published)
		if err := cluster.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	tr.acknowledged()
	stop()
	tr.exactly(published)
}

// killLeader kills the node that leads a partition.
func (c *kafkaCluster) killLeader(ctx context.Context, b *kafkaBroker, partition int32) error {
	leaders, err := b.leaders(ctx)
	if err != nil {
		return err
	}
	return c.kill(leaders[partition])
}

// killCoordinator kills the node that coordinates the group.
func (c *kafkaCluster) killCoordinator(ctx context.Context, b *kafkaBroker) error {
	request := kmsg.NewPtrFindCoordinatorRequest()
	request.CoordinatorKey, request.CoordinatorKeys = b.group, []string{b.group}
	response, err := request.RequestWith(ctx, b.producer)
	if err != nil {
		return err
	}
	if len(response.Coordinators) == 0 {
		return errors.New("the cluster names no coordinator")
	}
	return errors.Join(kerr.ErrorForCode(response.Coordinators[0].ErrorCode), c.kill(response.Coordinators[0].NodeID))
}

func (c *kafkaCluster) kill(node int32) error {
	if node < 1 || int(node) > len(c.Nodes) {
		return fmt.Errorf("there is no node %d", node)
	}
	return c.Nodes[node-1].Kill()
}

// leaders are those of the partitions.
func (b *kafkaBroker) leaders(ctx context.Context) (map[int32]int32, error) {
	topic := kmsg.NewMetadataRequestTopic()
	topic.Topic = new(b.topic)
	request := kmsg.NewPtrMetadataRequest()
	request.Topics = []kmsg.MetadataRequestTopic{topic}
	response, err := request.RequestWith(ctx, b.producer)
	if err != nil {
		return nil, err
	}
	leaders := map[int32]int32{}
	for _, p := range response.Topics[0].Partitions {
		leaders[p.Partition] = p.Leader
	}
	return leaders, kerr.ErrorForCode(response.Topics[0].ErrorCode)
}

// moveLeaders has each partition led by the next of its replicas.
func (b *kafkaBroker) moveLeaders(ctx context.Context) error {
	leaders, err := b.leaders(ctx)
	if err != nil {
		return err
	}
	moves := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	election := kmsg.NewElectLeadersRequestTopic()
	moves.Topic, election.Topic = b.topic, b.topic
	for partition, leader := range leaders {
		move := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		move.Partition = partition
		nodes := int32(len(b.addrs)) //nolint:gosec // three
		for i := range nodes {
			move.Replicas = append(move.Replicas, (leader+i)%nodes+1)
		}
		moves.Partitions = append(moves.Partitions, move)
		election.Partitions = append(election.Partitions, partition)
	}
	assign := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	assign.TimeoutMillis, assign.Topics = 10_000, []kmsg.AlterPartitionAssignmentsRequestTopic{moves}
	assigned, err := assign.RequestWith(ctx, b.producer)
	if err == nil {
		err = kerr.ErrorForCode(assigned.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("change the order of replicas: %w", err)
	}
	elect := kmsg.NewPtrElectLeadersRequest() // of the first of the replicas
	elect.TimeoutMillis, elect.Topics = 10_000, []kmsg.ElectLeadersRequestTopic{election}
	elected, err := elect.RequestWith(ctx, b.producer)
	if err == nil {
		err = kerr.ErrorForCode(elected.ErrorCode)
	}
	if err != nil {
		return fmt.Errorf("elect leaders: %w", err)
	}
	return nil
}
