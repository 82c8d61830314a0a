package kafka_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	kafkago "github.com/segmentio/kafka-go"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// lines keeps a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// has reports that a line has all the words.
func (l *lines) has(words ...string) bool { return l.count(words...) > 0 }

// count is how many lines have all the words.
func (l *lines) count(words ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		found := 0
		for _, word := range words {
			if strings.Contains(line, word) {
				found++
			}
		}
		if found == len(words) {
			n++
		}
	}
	return n
}

func TestRecreatedTopic(t *testing.T) {
	t.Parallel()
	checkRecreated(t, withTopic(t))
}

// checkRecreated deletes a topic under a worker, creates it again and fills it
// beyond where the worker was: every message of the new one is read, and the log
// tells.
func checkRecreated(t *testing.T, c *cluster) {
	t.Helper()
	c.lines = &lines{}
	s, tp := c.open(t), newTape()
	work(t, s, tp)
	c.publishOne(t, 0, 5)
	eventually(t, "the first messages come", func() bool { return tp.different() == 5 })
	c.settles(t, 5)
	c.recreate(t)
	c.publishOne(t, 5, 12)
	eventually(t, "the new messages come", func() bool { return tp.different() == 17 })
	c.settles(t, 12)
	if !c.lines.has("level=ERROR", "topic was deleted and created again", c.topic) {
		t.Error("the log does not tell")
	}
}

func TestTopicIsRecreatedWhileNobodyRuns(t *testing.T) {
	t.Parallel()
	checkRecreatedAway(t, withTopic(t))
}

// checkRecreatedAway is the same without a worker that sees it.
func checkRecreatedAway(t *testing.T, c *cluster) {
	t.Helper()
	s := c.open(t)
	c.publishOne(t, 0, 5)
	ack(t, receive(t, s, 5)...)
	c.settles(t, 5)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.recreate(t)
	c.publishOne(t, 5, 12)
	tp := newTape()
	work(t, c.open(t), tp)
	eventually(t, "the new messages come", func() bool { return tp.different() == 12 })
	c.settles(t, 12)
}

// publishOne is publish into one partition.
func (c *cluster) publishOne(t *testing.T, first, n int) {
	t.Helper()
	for id := first; id < first+n; id++ {
		record := sourcetest.Record{Key: []byte("k"), Body: fmt.Appendf(nil, `{"id":"%d","message":"number %d"}`, id, id)}
		eventually(t, "the topic takes a message", func() bool { return c.Publish(t.Context(), record) == nil })
	}
}

func (c *cluster) recreate(t *testing.T) {
	t.Helper()
	if _, err := c.admin.DeleteTopics(t.Context(), &kafkago.DeleteTopicsRequest{Topics: []string{c.topic}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the topic can be created again", func() bool { return c.createTopic(t.Context(), c.topic) == nil })
}
