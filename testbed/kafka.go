package testbed

import (
	"context"
	"embed"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/segmentio/kafka-go"
)

//go:embed kafka/pom.xml kafka/server.properties
var kafkaFiles embed.FS

// KafkaBroker is a real Apache Kafka: one node that is broker and controller
// (KRaft). Topics are not created by use; new groups form without delay.
type KafkaBroker struct {
	*Server
	Addr string // host:port
	// Secure is how to reach it with more than plain text; nil without
	// Options.Secure.
	Secure *KafkaSecurity
}

// Kafka starts a Kafka of the version in kafka/pom.xml. Maven fetches it on
// first use.
func Kafka(ctx context.Context, o Options) (*KafkaBroker, error) {
	home, err := kafkaHome(ctx)
	if err != nil {
		return nil, err
	}
	if o, err = o.prepare(); err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	addrs, err := freeAddrs(ctx, 2)
	if err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	secure, err := prepareKafkaSecurity(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	node := oneNode(addrs[0], addrs[1])
	node.Secure = secure
	k, err := newKafka(home, o.Dir, node)
	if err != nil {
		return nil, fmt.Errorf("prepare Kafka: %w", err)
	}
	if err := k.Start(ctx); err != nil {
		return nil, err
	}
	if err := k.addScramUser(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare Kafka: %w", err), k.Kill())
	}
	return k, nil
}

// kafkaNode is what kafka/server.properties asks for.
type kafkaNode struct {
	ID               int
	Voters           string // empty: it alone
	Replicas, InSync int
	Session          int // milliseconds
	Addr, Controller string
	Secure           *KafkaSecurity

	Data string // set by writeKafkaConfig
}

// oneNode is a cluster of its own.
func oneNode(addr, controller string) kafkaNode {
	return kafkaNode{ID: 1, Replicas: 1, InSync: 1, Session: 3000, Addr: addr, Controller: controller}
}

// newKafka describes a broker in dir, and gives it a formatted storage. flags are
// for Java.
func newKafka(home, dir string, node kafkaNode, flags ...string) (*KafkaBroker, error) {
	config, err := writeKafkaConfig(dir, node)
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(filepath.Join(home, "data"))); err != nil {
		return nil, fmt.Errorf("copy formatted storage: %w", err)
	}
	return &KafkaBroker{Addr: node.Addr, Secure: node.Secure, Server: &Server{
		name: "Kafka",
		command: command{
			args: java(home, flags, "kafka.Kafka", config),
			dir:  dir,
			log:  filepath.Join(dir, "kafka.log"),
		},
		addrs: []string{node.Addr, node.Controller},
		ready: func(ctx context.Context) error { return kafkaServes(ctx, node.Addr) },
	}}, nil
}

// kafkaHome returns the folder that holds Kafka: lib, and data, a formatted
// storage without content. Every broker starts with a copy of that, because to
// format takes another start of Java.
func kafkaHome(ctx context.Context) (string, error) {
	if err := need("Kafka", "install Maven and a JDK 17", "java", "mvn"); err != nil {
		return "", err
	}
	version, err := KafkaVersion()
	if err != nil {
		return "", err
	}
	return cached("kafka-"+version, func(dir string) error {
		if err := fetchJars(ctx, "Kafka", kafkaFiles, "kafka/pom.xml", dir); err != nil {
			return err
		}
		return formatStorage(ctx, dir)
	})
}

// KafkaVersion reads the version out of the POM, its only place.
func KafkaVersion() (string, error) {
	text, err := kafkaFiles.ReadFile("kafka/pom.xml")
	if err != nil {
		return "", fmt.Errorf("read kafka/pom.xml: %w", err)
	}
	var pom struct {
		Version string `xml:"properties>kafka.version"`
	}
	if err := xml.Unmarshal(text, &pom); err != nil {
		return "", fmt.Errorf("parse kafka/pom.xml: %w", err)
	}
	if pom.Version == "" {
		return "", errors.New("parse kafka/pom.xml: no property kafka.version")
	}
	return pom.Version, nil
}

func formatStorage(ctx context.Context, dir string) error {
	config, err := writeKafkaConfig(dir, oneNode(loopback(9092), loopback(9093))) // the ports do not matter here
	if err != nil {
		return err
	}
	const clusterID = "eG1wcC1ub3RpZmllci10Yg" // 16 bytes in base64
	return execute(ctx, command{
		args: java(dir, nil, "kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", config),
		log:  filepath.Join(dir, "format.log"),
	})
}

func writeKafkaConfig(dir string, node kafkaNode) (string, error) {
	text, err := kafkaFiles.ReadFile("kafka/server.properties")
	if err != nil {
		return "", fmt.Errorf("read kafka/server.properties: %w", err)
	}
	node.Data = filepath.Join(dir, "data")
	if node.Voters == "" {
		node.Voters = fmt.Sprintf("%d@%s", node.ID, node.Controller)
	}
	path := filepath.Join(dir, "server.properties")
	return path, fillIn(path, string(text), node)
}

// java returns the command line for a class of Kafka. The serial collector
// starts fastest and takes the least memory.
func java(home string, flags []string, class string, arguments ...string) []string {
	return slices.Concat([]string{
		"java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-cp", filepath.Join(home, "lib", "*"),
	}, flags, []string{class}, arguments)
}

// kafkaServes checks that the controller has admitted the broker, which is when
// topics can be created, and that all partitions have a leader.
func kafkaServes(ctx context.Context, addr string) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(addr), Transport: transport}
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return fmt.Errorf("ask for metadata: %w", err)
	}
	if len(metadata.Brokers) == 0 {
		return errors.New("the controller has not admitted the broker")
	}
	for _, topic := range metadata.Topics {
		for _, partition := range topic.Partitions {
			if partition.Error != nil {
				return fmt.Errorf("partition %d of %s: %w", partition.ID, topic.Name, partition.Error)
			}
		}
	}
	return nil
}
