package envelope

import (
	"regexp"
	"strings"
)

// traced takes the trace context from the headers of the message. What the
// event carries itself is where it began; it is the parent only if the headers
// have none.
func (e *Envelope) traced(raw Raw) {
	parent := raw.Get("traceparent")
	if !isTraceparent(parent) || parent == e.Trace.Parent {
		return
	}
	e.Trace = TraceContext{Parent: parent, State: raw.Get("tracestate"), Origin: e.Trace.Parent}
}

// traceparent is a W3C traceparent of any version, like
// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.
var traceparent = regexp.MustCompile(`^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,144})?$`)

// isTraceparent reports whether s is one, with ids that are not zero.
func isTraceparent(s string) bool {
	return traceparent.MatchString(s) && !strings.HasPrefix(s, "ff") && strings.Trim(s[3:35], "0") != "" && strings.Trim(s[36:52], "0") != ""
}
