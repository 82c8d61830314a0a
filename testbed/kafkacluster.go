package testbed

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// clusterSize is how many nodes a cluster has: one may be away.
const clusterSize = 3

// KafkaCluster is three real brokers, each of them a controller as well. Topics are
// on all of them, and are written while two are in sync.
type KafkaCluster struct {
	Nodes []*KafkaBroker // the ids begin at 1
}

// StartKafkaCluster starts a cluster. Its nodes take little memory, and its Options
// are those of Kafka but for Secure.
func StartKafkaCluster(ctx context.Context, o Options) (*KafkaCluster, error) {
	home, err := kafkaHome(ctx)
	if err != nil {
		return nil, err
	}
	if o, err = o.prepare(); err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	addrs, err := freeAddrs(ctx, 2*clusterSize)
	if err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	brokers, controllers := addrs[:clusterSize], addrs[clusterSize:]
	voters := make([]string, clusterSize)
	for i, addr := range controllers {
		voters[i] = fmt.Sprintf("%d@%s", i+1, addr)
	}
	c := &KafkaCluster{}
	for i := range clusterSize {
		node, err := newClusterNode(home, filepath.Join(o.Dir, fmt.Sprint("node", i+1)), kafkaNode{
			ID: i + 1, Voters: strings.Join(voters, ","), Replicas: clusterSize, InSync: clusterSize - 1, Session: 6000, Addr: brokers[i], Controller: controllers[i],
		})
		if err != nil {
			return nil, fmt.Errorf("prepare Kafka: %w", err)
		}
		c.Nodes = append(c.Nodes, node)
	}
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

var (
	nodeID      = regexp.MustCompile(`(?m)^node\.id=.*$`)
	directoryID = regexp.MustCompile(`(?m)^directory\.id=.*$`)
)

// newClusterNode is newKafka, with a storage that is the node's own.
func newClusterNode(home, dir string, node kafkaNode) (*KafkaBroker, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k, err := newKafka(home, dir, node, "-Xmx256m", "-XX:TieredStopAtLevel=1") // little memory, and a quick start
	if err != nil {
		return nil, err
	}
	k.hangs = true // for as long as others do not take its partitions over
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	id[0] &= 0x7f           // Kafka takes no id that begins with a dash
	properties := filepath.Join(dir, "data", "meta.properties")
	text, err := os.ReadFile(properties) //nolint:gosec // the node's own
	if err != nil {
		return nil, err
	}
	text = nodeID.ReplaceAll(text, fmt.Append(nil, "node.id=", node.ID))
	text = directoryID.ReplaceAll(text, []byte("directory.id="+base64.RawURLEncoding.EncodeToString(id[:])))
	return k, os.WriteFile(properties, text, 0o600) //nolint:gosec // likewise
}

// Addrs are where the brokers listen.
func (c *KafkaCluster) Addrs() []string {
	var addrs []string
	for _, node := range c.Nodes {
		addrs = append(addrs, node.Addr)
	}
	return addrs
}

// Start starts the nodes that do not run, at once: none serves alone.
func (c *KafkaCluster) Start(ctx context.Context) error {
	return c.each(func(node *KafkaBroker) error {
		if node.PID() != 0 {
			return nil
		}
		return node.Start(ctx)
	})
}

// Stop ends all nodes in order, and Kill ends them like a crash.
func (c *KafkaCluster) Stop(ctx context.Context) error {
	return c.each(func(node *KafkaBroker) error { return node.Stop(ctx) })
}

// Kill is described at Stop.
func (c *KafkaCluster) Kill() error {
	return c.each((*KafkaBroker).Kill)
}

// PID is a node's process, or 0 if one of them does not run.
func (c *KafkaCluster) PID() int {
	pid := 0
	for _, node := range c.Nodes {
		if pid = node.PID(); pid == 0 {
			break
		}
	}
	return pid
}

// each does something with all nodes at once.
func (c *KafkaCluster) each(do func(*KafkaBroker) error) error {
	errs := make([]error, len(c.Nodes))
	var working sync.WaitGroup
	for i, node := range c.Nodes {
		working.Go(func() { errs[i] = do(node) })
	}
	working.Wait()
	return errors.Join(errs...)
}
