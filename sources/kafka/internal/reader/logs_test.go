package reader_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// kind is one kind of log that a broker may keep.
type kind struct {
	name     string
	config   map[string]string // of the topic
	write    func(*log)
	want     int  // messages that count
	real     bool // kfake cannot do it
	compacts bool // until that many are left
	open     bool // a transaction does not end
}

// log is a topic of one partition that is written.
type log struct {
	testing.TB
	brokers []string
	topic   string
}

// kinds are the codecs in every way of writing, and what else there is.
func kinds() []kind {
	all := []kind{
		{name: "nothing", write: func(*log) {}},
		{name: "one message", write: func(l *log) { l.plain(gzip, 1) }, want: 1},
		{name: "null keys", write: func(l *log) { l.records(&kgo.Record{Value: []byte("v")}, &kgo.Record{Value: []byte("w")}) }, want: 2},
		{name: "null values", write: func(l *log) { l.records(&kgo.Record{Key: []byte("k")}, &kgo.Record{Key: []byte("l")}) }, want: 2},
		{name: "null everything", write: func(l *log) { l.records(&kgo.Record{}, &kgo.Record{}) }, want: 2},
		{name: "empty everything", write: func(l *log) { l.records(&kgo.Record{Key: []byte{}, Value: []byte{}}) }, want: 1},
		{name: "headers", write: func(l *log) { l.records(headers("a", "1", "b", "2", "a", "3", "", "")) }, want: 1},
		{name: "null headers", write: func(l *log) {
			l.records(&kgo.Record{Headers: []kgo.RecordHeader{{Key: "n"}, {Key: "e", Value: []byte{}}}})
		}, want: 1},
		{name: "many headers", write: func(l *log) { l.records(headers(strings.Split(strings.Repeat("h,v,", 2000), ",")...)) }, want: 1},
		{name: "large keys", write: func(l *log) { l.records(&kgo.Record{Key: noise(300_000)}) }, want: 1},
		{name: "what looks like a marker", write: func(l *log) { l.records(&kgo.Record{Key: []byte{0, 0, 0, 1}, Value: []byte{0, 0, 0, 0, 0, 9}}) }, want: 1},
		{name: "old and future times", write: (*log).times, want: 3},
		{name: "no time", write: func(l *log) { l.records(&kgo.Record{Timestamp: time.UnixMilli(-1)}) }, want: 1},
		{name: "time of the broker", config: map[string]string{"message.timestamp.type": "LogAppendTime"}, write: func(l *log) { l.plain(lz4, 5) }, want: 5, real: true},
		{name: "all codecs in one log", write: (*log).mixed, want: 50},
		{name: "another library", write: (*log).kafkaGo, want: 50},
		{name: "compressed by the broker", config: map[string]string{"compression.type": "zstd"}, write: func(l *log) { l.plain(none, 50) }, want: 50, real: true},
		{name: "compressed by the broker with gzip", config: map[string]string{"compression.type": "gzip"}, write: func(l *log) { l.plain(zstd, 50) }, want: 50, real: true},
		{name: "compressed by the broker with snappy", config: map[string]string{"compression.type": "snappy"}, write: func(l *log) { l.plain(none, 5000) }, want: 5000, real: true},
		{name: "compressed by the broker with lz4", config: map[string]string{"compression.type": "lz4"}, write: func(l *log) { l.plain(none, 5000) }, want: 5000, real: true},
		{name: "decompressed by the broker", config: map[string]string{"compression.type": "uncompressed"}, write: func(l *log) { l.plain(snappy, 50) }, want: 50, real: true},
		{name: "many small batches", write: (*log).singles, want: 300},
		{name: "several transactions at a time", write: (*log).interleaved, want: 30},
		{name: "a transaction that is open", write: func(l *log) { l.plain(none, 3); l.openTransaction(3); l.plain(none, 4) }, want: 3, open: true},
		{name: "nothing but aborted transactions", write: func(l *log) {
			for range 5 {
				l.transaction(none, 3, kgo.TryAbort)
			}
		}},
		{name: "aborted transactions with messages between", write: func(l *log) {
			for range 20 {
				l.transaction(zstd, 2, kgo.TryAbort)
				l.plain(none, 1)
				l.transaction(gzip, 1, kgo.TryCommit)
			}
		}, want: 40},
		{name: "the first half deleted", write: func(l *log) { l.plain(none, 100); l.deleteBefore(50) }, want: 50},
		{name: "deleted within a batch", write: func(l *log) { l.plain(zstd, 100); l.deleteBefore(33) }, want: 67},
		{name: "everything deleted", write: func(l *log) { l.plain(none, 10); l.deleteBefore(-1) }},
		{name: "everything deleted, then more", write: func(l *log) { l.plain(none, 10); l.deleteBefore(-1); l.plain(none, 5) }, want: 5},
		{name: "deleted within a transaction", write: func(l *log) {
			l.transaction(none, 10, kgo.TryAbort)
			l.transaction(none, 10, kgo.TryCommit)
			l.deleteBefore(5)
		}, want: 10, real: true},
		{name: "batches of 9 MB", config: map[string]string{"max.message.bytes": "20000000"}, write: func(l *log) { l.huge(zstd) }, want: 60_000, real: true},
		{name: "batches of 9 MB, not compressed", config: map[string]string{"max.message.bytes": "20000000"}, write: func(l *log) { l.huge(none) }, want: 60_000, real: true},
		compacted("compacted", func(l *log) { l.sameKeys(1, 20, kgo.DisableIdempotentWrite()) }, 3),
		compacted("compacted, with producers that leave empty batches", func(l *log) { l.sameKeys(8, 1) }, 3),
		compacted("compacted, with many empty batches in a row", func(l *log) { l.sameKeys(60, 1) }, 3),
		compacted("compacted transactions", (*log).sameKeysInTransactions, 3),
		compacted("compacted to tombstones", (*log).tombstones, 3),
		compacted("compacted within batches", (*log).holes, 53),
	}
	for name, codec := range codecs() {
		all = append(all,
			kind{name: name + ", not idempotent", write: func(l *log) { l.plain(codec, 50, kgo.DisableIdempotentWrite()) }, want: 50},
			kind{name: name + ", idempotent", write: func(l *log) { l.plain(codec, 50) }, want: 50},
			kind{name: name + ", large batches", write: func(l *log) { l.plain(codec, 5000) }, want: 5000},
			kind{name: name + ", large messages", write: func(l *log) { l.large(codec) }, want: 6},
			kind{name: name + ", committed", write: func(l *log) { l.transaction(codec, 50, kgo.TryCommit) }, want: 50},
			kind{name: name + ", aborted", write: func(l *log) { l.transaction(codec, 50, kgo.TryAbort); l.plain(codec, 3) }, want: 3},
		)
	}
	return all
}

func compacted(name string, write func(*log), left int) kind {
	return kind{name: name, write: write, real: true, want: left, compacts: true, config: map[string]string{
		"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001", "delete.retention.ms": "600000", "min.compaction.lag.ms": "0", "max.compaction.lag.ms": "200",
	}}
}

type codec struct {
	kgo     kgo.CompressionCodec
	kafkaGo kafkago.Compression
}

var (
	none   = codec{kgo: kgo.NoCompression()}                              //nolint:gochecknoglobals // names for the table
	gzip   = codec{kgo: kgo.GzipCompression(), kafkaGo: kafkago.Gzip}     //nolint:gochecknoglobals // likewise
	snappy = codec{kgo: kgo.SnappyCompression(), kafkaGo: kafkago.Snappy} //nolint:gochecknoglobals // likewise
	lz4    = codec{kgo: kgo.Lz4Compression(), kafkaGo: kafkago.Lz4}       //nolint:gochecknoglobals // likewise
	zstd   = codec{kgo: kgo.ZstdCompression(), kafkaGo: kafkago.Zstd}     //nolint:gochecknoglobals // likewise
)

func codecs() map[string]codec {
	return map[string]codec{"none": none, "gzip": gzip, "snappy": snappy, "lz4": lz4, "zstd": zstd}
}

func (l *log) client(options ...kgo.Opt) *kgo.Client {
	l.Helper()
	c, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(l.brokers...), kgo.DefaultProduceTopic(l.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(20_000_000), kgo.BrokerMaxReadBytes(1 << 30), kgo.BrokerMaxWriteBytes(1 << 29), kgo.ProducerLinger(0),
	}, options...)...)
	if err != nil {
		l.Fatal(err)
	}
	return c
}

func (l *log) produce(c *kgo.Client, records ...*kgo.Record) {
	l.Helper()
	if err := c.ProduceSync(l.Context(), records...).FirstErr(); err != nil {
		l.Fatal(err)
	}
}

// plain writes n messages by a producer of its own.
func (l *log) plain(c codec, n int, options ...kgo.Opt) {
	l.Helper()
	p := l.client(append(options, kgo.ProducerBatchCompression(c.kgo), kgo.ProducerBatchMaxBytes(1_000_000))...)
	defer p.Close()
	l.produce(p, numbered("plain", n)...)
}

func numbered(prefix string, n int) []*kgo.Record {
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{
			Key: fmt.Appendf(nil, "key-%d", i%7), Value: fmt.Appendf(nil, `{"message":"%s number %d %s"}`, prefix, i, strings.Repeat("x", i%200)),
			Headers: []kgo.RecordHeader{{Key: "n", Value: fmt.Append(nil, i)}},
		}
	}
	return records
}

func (l *log) records(records ...*kgo.Record) {
	l.Helper()
	p := l.client()
	defer p.Close()
	l.produce(p, records...)
}

func headers(pairs ...string) *kgo.Record {
	r := &kgo.Record{Value: []byte("v")}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: pairs[i], Value: []byte(pairs[i+1])})
	}
	return r
}

func (l *log) times() {
	now := time.Now()
	l.records(&kgo.Record{Timestamp: now}, &kgo.Record{Timestamp: now.Add(-time.Hour)}, &kgo.Record{Timestamp: now.Add(time.Minute)})
}

func (l *log) mixed() {
	for _, c := range codecs() {
		l.plain(c, 10)
	}
}

func (l *log) kafkaGo() {
	for _, c := range codecs() {
		w := &kafkago.Writer{Addr: kafkago.TCP(l.brokers...), Topic: l.topic, Compression: c.kafkaGo, RequiredAcks: kafkago.RequireAll, BatchTimeout: time.Millisecond}
		var messages []kafkago.Message
		for _, r := range numbered("kafka-go", 10) {
			messages = append(messages, kafkago.Message{Key: r.Key, Value: r.Value})
		}
		if err := w.WriteMessages(l.Context(), messages...); err != nil {
			l.Fatal(err)
		}
		_ = w.Close()
	}
}

func (l *log) singles() {
	p := l.client()
	defer p.Close()
	for _, r := range numbered("single", 300) {
		l.produce(p, r)
	}
}

// large writes messages that are as long as a broker takes, and some that are not.
func (l *log) large(c codec) {
	p := l.client(kgo.ProducerBatchCompression(c.kgo))
	defer p.Close()
	for _, size := range []int{900_000, 10, 500_000, 500_000, 20, 900_000} {
		l.produce(p, &kgo.Record{Value: noise(size)})
	}
}

// huge writes some batches of 9 MB.
func (l *log) huge(c codec) {
	p := l.client(kgo.ProducerBatchCompression(c.kgo), kgo.ProducerLinger(100*time.Millisecond))
	defer p.Close()
	records := make([]*kgo.Record, 60_000)
	for i := range records {
		records[i] = &kgo.Record{Value: fmt.Appendf(nil, "%d%s", i, strings.Repeat("y", 440))}
	}
	for part := range 3 {
		l.produce(p, records[part*20_000:(part+1)*20_000]...)
	}
}

func (l *log) transactional() *kgo.Client {
	return l.client(kgo.TransactionalID(fmt.Sprintf("%s-%d", l.topic, time.Now().UnixNano())))
}

func (l *log) transaction(c codec, n int, end kgo.TransactionEndTry) {
	l.Helper()
	p := l.client(kgo.TransactionalID(fmt.Sprintf("%s-%d", l.topic, time.Now().UnixNano())), kgo.ProducerBatchCompression(c.kgo))
	defer p.Close()
	if err := p.BeginTransaction(); err != nil {
		l.Fatal(err)
	}
	l.produce(p, numbered("transaction", n)...)
	if err := p.EndTransaction(l.Context(), end); err != nil {
		l.Fatal(err)
	}
}

// openTransaction writes what is not decided when the test reads.
func (l *log) openTransaction(n int) {
	p := l.transactional()
	l.Cleanup(p.Close)
	if err := p.BeginTransaction(); err != nil {
		l.Fatal(err)
	}
	l.produce(p, numbered("open", n)...)
}

// interleaved has three producers with transactions that overlap, of which one is
// aborted, and one without.
func (l *log) interleaved() {
	ends := []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit}
	producers := make([]*kgo.Client, len(ends))
	for i := range producers {
		producers[i] = l.transactional()
		defer producers[i].Close()
		if err := producers[i].BeginTransaction(); err != nil {
			l.Fatal(err)
		}
	}
	for i := range 10 {
		for j, p := range producers {
			l.produce(p, numbered(fmt.Sprint("interleaved ", j), 1)...)
		}
		if i%2 == 0 {
			l.plain(none, 2)
		}
	}
	for i, p := range producers {
		if err := p.EndTransaction(l.Context(), ends[i]); err != nil {
			l.Fatal(err)
		}
	}
}

// deleteBefore deletes what is before offset; -1 is everything.
func (l *log) deleteBefore(offset int64) {
	l.Helper()
	c := l.client()
	defer c.Close()
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 10_000
	request.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: l.topic, Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Offset: offset}}}}
	response, err := request.RequestWith(l.Context(), c)
	if err == nil {
		err = kerr.ErrorForCode(response.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		l.Fatal(err)
	}
}

// roll begins a new segment: compaction leaves the last one as it is.
func (l *log) roll(c *kgo.Client) {
	l.Helper()
	<-time.After(150 * time.Millisecond) // segment.ms is the broker's clock
	l.produce(c, &kgo.Record{Key: []byte("last"), Value: []byte("roll")})
	<-time.After(150 * time.Millisecond)
	l.produce(c, &kgo.Record{Key: []byte("last"), Value: []byte("roll again")})
}

// sameKeys has producers write the same key, one after the other.
func (l *log) sameKeys(producers, each int, options ...kgo.Opt) {
	for i := range producers {
		p := l.client(options...)
		for j := range each {
			l.produce(p, &kgo.Record{Key: []byte("same"), Value: fmt.Appendf(nil, "%d/%d", i, j)})
		}
		p.Close()
	}
	p := l.client()
	defer p.Close()
	l.roll(p)
}

func (l *log) sameKeysInTransactions() {
	for i := range 10 {
		p := l.transactional()
		if err := p.BeginTransaction(); err != nil {
			l.Fatal(err)
		}
		l.produce(p, &kgo.Record{Key: []byte("same"), Value: fmt.Append(nil, i)})
		if err := p.EndTransaction(l.Context(), i%2 == 1); err != nil {
			l.Fatal(err)
		}
		p.Close()
	}
	p := l.client()
	defer p.Close()
	l.roll(p)
}

func (l *log) tombstones() {
	p := l.client()
	defer p.Close()
	for range 10 {
		l.produce(p, &kgo.Record{Key: []byte("same"), Value: []byte("v")})
	}
	l.produce(p, &kgo.Record{Key: []byte("same")})
	l.roll(p)
}

// holes has compaction take every other message out of batches.
func (l *log) holes() {
	p := l.client(kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	defer p.Close()
	var records []*kgo.Record
	for i := range 100 {
		key := "same"
		if i%2 == 0 {
			key = fmt.Sprint(i)
		}
		records = append(records, &kgo.Record{Key: []byte(key), Value: fmt.Append(nil, i)})
	}
	l.produce(p, records...)
	l.roll(p)
}

// noise does not compress.
func noise(n int) []byte {
	b := make([]byte, 0, n)
	for x := uint32(1); len(b) < n; x = x*1664525 + 1013904223 {
		b = append(b, byte(x>>24))
	}
	return b
}

// create makes the topic of a log.
func (l *log) create(ctx context.Context, config map[string]string) {
	l.Helper()
	c := l.client()
	defer c.Close()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = l.topic, 1, 1
	for name, value := range config {
		topic.Configs = append(topic.Configs, kmsg.CreateTopicsRequestTopicConfig{Name: name, Value: new(value)})
	}
	request := kmsg.NewPtrCreateTopicsRequest()
	request.Topics = append(request.Topics, topic)
	response, err := request.RequestWith(ctx, c)
	if err == nil {
		err = kerr.ErrorForCode(response.Topics[0].ErrorCode)
	}
	if err != nil {
		l.Fatal(err)
	}
	l.awaitTopic(c)
}

// awaitTopic waits until the broker serves what it has said it created.
func (l *log) awaitTopic(c *kgo.Client) {
	l.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		response, err := l.lastOffset().RequestWith(l.Context(), c)
		if err == nil {
			err = kerr.ErrorForCode(response.Topics[0].Partitions[0].ErrorCode)
		}
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			l.Fatalf("topic %s is not served: %v", l.topic, err)
		}
	}
}

// lastOffset asks for the end of the log, open transactions included.
func (l *log) lastOffset() *kmsg.ListOffsetsRequest {
	request := kmsg.NewPtrListOffsetsRequest()
	request.Topics = []kmsg.ListOffsetsRequestTopic{{Topic: l.topic, Partitions: []kmsg.ListOffsetsRequestTopicPartition{{Timestamp: -1, CurrentLeaderEpoch: -1}}}}
	return request
}
