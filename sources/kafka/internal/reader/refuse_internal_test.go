package reader

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/xmpp-notifier/xmpp-notifier/sources/kafka/internal/client"
)

// The log is found in an answer of any version, of which only the beginning is
// there.
func TestLogOf(t *testing.T) {
	t.Parallel()
	log := bytes.Repeat([]byte("record batches "), 10_000)
	aborted := []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 1, FirstOffset: 2}, {ProducerID: 3, FirstOffset: 4}}
	for version := int16(fetchStable); version <= idVersion; version++ {
		for _, transactions := range [][]kmsg.FetchResponseTopicPartitionAbortedTransaction{nil, {}, aborted} {
			p := kmsg.NewFetchResponseTopicPartition()
			p.Partition, p.HighWatermark, p.AbortedTransactions, p.RecordBatches = 7, 9, transactions, log
			answer := kmsg.NewPtrFetchResponse()
			answer.Topics = []kmsg.FetchResponseTopic{{Topic: "alerts", TopicID: client.TopicID{1}, Partitions: []kmsg.FetchResponseTopicPartition{p}}}
			answer.SetVersion(version)
			raw := answer.AppendTo(nil)
			if answer.IsFlexible() {
				raw = append([]byte{0}, raw...) // the tags before the answer
			}
			name := fmt.Sprintf("version %d with %d aborted transactions", version, len(transactions))
			for _, n := range []int{1000, len(raw)} {
				if got := logOf(&client.TooLargeError{Head: raw[:n], Version: version}); len(got) < 800 || !bytes.HasPrefix(got, log[:800]) {
					t.Errorf("%s: found %.30q", name, got)
				}
			}
			for n := range 100 { // whatever there is
				_ = logOf(&client.TooLargeError{Head: raw[:n], Version: version})
			}
		}
	}
}
