package envelope

import "strings"

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

// isTraceparent reports whether s is a W3C traceparent, like
// 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.
func isTraceparent(s string) bool {
	if len(s) < 55 || len(s) > 200 || s[2] != '-' || s[35] != '-' || s[52] != '-' || s[:2] == "ff" {
		return false
	}
	hex := s[:2] + s[3:35] + s[36:52] + s[53:55]
	return strings.Trim(hex, "0123456789abcdef") == "" &&
		!isZero(s[3:35]) && !isZero(s[36:52]) && (len(s) == 55 || s[55] == '-')
}

func isZero(s string) bool { return strings.Trim(s, "0") == "" }
