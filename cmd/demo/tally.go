package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// evidence is what the broker and the room remember when all is over. A place
// is the number of a message in the stream.
type evidence struct {
	texts       map[uint64]string // what the room must show, by place; "" for what does not decode
	posts       []sinktest.Post
	deadLetters []deadLetter
	acks        map[uint64]time.Time // when the broker heard of them, by place
	acked       uint64               // the durable's ack floor
}

// deadLetter is one of them.
type deadLetter struct {
	place uint64
	at    time.Time
}

// tally are the numbers that must agree.
type tally struct {
	published, shown, deadLetters, acknowledged int

	lost     int // neither shown nor among the dead letters
	repeated int // shown again
	early    int // acknowledged before it was shown or a dead letter
}

func (e *evidence) tally() tally {
	t := tally{
		published: len(e.texts), shown: len(e.posts), deadLetters: len(e.deadLetters),
		acknowledged: int(e.acked), //nolint:gosec // a demo does not publish that much
	}
	first := e.firstPosts()
	t.repeated = len(e.posts) - len(first)
	done := map[uint64]time.Time{} // since when a message may be acknowledged
	for _, l := range e.deadLetters {
		done[l.place] = l.at
	}
	for place, text := range e.texts {
		if at, shown := first[text]; shown {
			done[place] = at
		}
		if _, ok := done[place]; !ok {
			t.lost++
		}
	}
	for place, at := range e.acks {
		if since, ok := done[place]; !ok || at.Before(since) {
			t.early++
		}
	}
	return t
}

// firstPosts returns when each text was shown first.
func (e *evidence) firstPosts() map[string]time.Time {
	first := map[string]time.Time{}
	for _, p := range e.posts {
		if _, again := first[p.Body]; !again {
			first[p.Body] = p.At
		}
	}
	return first
}

// check returns an error unless the numbers agree.
func (t tally) check() error {
	if t.lost+t.repeated+t.early > 0 || t.shown+t.deadLetters != t.published || t.acknowledged != t.published {
		return errors.New("the numbers do not agree")
	}
	return nil
}

func (t tally) show(s *screen) {
	s.title("Summary, counted in the broker and in the room's transcript")
	all := t.shown+t.deadLetters == t.published
	for _, row := range []struct {
		name  string
		count int
		note  string
		good  bool
	}{
		{"published", t.published, "messages in the stream " + streamName, true},
		{"shown", t.shown, "posts in the room", all},
		{"dead letters", t.deadLetters, "messages in the stream " + deadLettersName, all},
		{"acknowledged", t.acknowledged, "by the worker to the broker", t.acknowledged == t.published},
		{"lost", t.lost, "neither shown nor among the dead letters", t.lost == 0},
		{"repeated", t.repeated, "shown more than once", t.repeated == 0},
		{"too early", t.early, "acknowledged before shown or a dead letter", t.early == 0},
	} {
		s.row(row.good, fmt.Sprintf("%-12s %4d", row.name, row.count), row.note)
	}
}
