package render

import (
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
)

// timeSpan is from when to when something happened.
type timeSpan struct{ first, last time.Time }

func spanOf(list []envelope.Summary) (s timeSpan) {
	for i := range list {
		s.include(list[i].Time)
	}
	return s
}

func (s *timeSpan) include(t time.Time) {
	t = t.UTC()
	if s.first.IsZero() || t.Before(s.first) {
		s.first = t
	}
	if t.After(s.last) {
		s.last = t
	}
}

func (s timeSpan) isOneDay() bool {
	return s.first.Format(time.DateOnly) == s.last.Format(time.DateOnly)
}

// layout is that of a time in a line.
func (s timeSpan) layout() string {
	if s.isOneDay() {
		return time.TimeOnly
	}
	return "01-02 15:04"
}

func (s timeSpan) text(layout string) string {
	first, last := s.first.Format(layout), s.last.Format(layout)
	if first == last {
		return first
	}
	return first + "–" + last
}

// day is what the times in the lines do not say.
func (s timeSpan) day() string {
	if s.isOneDay() {
		return s.first.Format("2006-01-02 UTC")
	}
	return "UTC"
}

// length is how long it took, nothing if that was no time.
func (s timeSpan) length() string { return envelope.FormatDuration(s.last.Sub(s.first)) }

// during is the same in a sentence. After a day it is of more use to know since when: what
// is still firing may have begun long ago.
func (s timeSpan) during() string {
	switch length := s.length(); {
	case length == "":
		return ""
	case s.last.Sub(s.first) > 24*time.Hour:
		return " since " + s.first.Format(time.DateOnly)
	default:
		return " in " + length
	}
}
