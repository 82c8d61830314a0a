package envelope

import "strings"

// Severity says how bad it is, on the scale of OpenTelemetry: 1 to 24, greater
// is worse. Zero means that the publisher did not say, or in a word that is
// not known.
type Severity int

// The severities that have a name. Those between belong to the one below.
const (
	Unspecified Severity = 0
	Trace       Severity = 1
	Debug       Severity = 5
	Info        Severity = 9
	Notice      Severity = 10
	Warning     Severity = 13
	Error       Severity = 17
	Critical    Severity = 18
	Alert       Severity = 19
	Fatal       Severity = 21

	maxSeverity Severity = 24
)

// String returns the word for s in lower case.
func (s Severity) String() string {
	switch {
	case s < Trace || s > maxSeverity:
		return "unspecified"
	case s >= Fatal:
		return "fatal"
	case s >= Alert:
		return "alert"
	case s >= Critical:
		return "critical"
	case s >= Error:
		return "error"
	case s >= Warning:
		return "warning"
	case s >= Notice:
		return "notice"
	case s >= Info:
		return "info"
	case s >= Debug:
		return "debug"
	}
	return "trace"
}

// MarshalText writes the word for s.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// synonyms are the words of syslog, java.util.logging (Payara), OpenTelemetry,
// the usual log libraries, ITU alarms and monitoring systems. Where
// OpenTelemetry's data model says what a word of another scale means, it is so.
var synonyms = map[string]Severity{ //nolint:gochecknoglobals // a constant table
	"": Unspecified, "unspecified": Unspecified, "unknown": Unspecified, "none": Unspecified, "indeterminate": Unspecified,
	"trace": Trace, "trace2": 2, "trace3": 3, "trace4": 4, "finest": Trace, "verbose": Trace, "silly": Trace,
	"debug": Debug, "debug2": 6, "debug3": 7, "debug4": 8, "dbg": Debug, "finer": Debug, "fine": 6, "config": 7,
	"info": Info, "info2": Notice, "info3": 11, "info4": 12, "information": Info, "informational": Info,
	"ok": Info, "good": Info, "normal": Info, "success": Info, "up": Info, "low": Info,
	"cleared": Info, "resolved": Info, "recovery": Info,
	"notice": Notice, "note": Notice,
	"warning": Warning, "warn": Warning, "warn2": 14, "warn3": 15, "warn4": 16, "minor": Warning, "medium": Warning, "average": Warning,
	"error": Error, "error2": Critical, "error3": Alert, "error4": 20, "err": Error, "severe": Error, "major": Error, "high": Error,
	"fail": Error, "failed": Error, "failure": Error, "down": Error, "check_error": Error,
	"critical": Critical, "crit": Critical, "disaster": Critical, "urgent": Critical,
	"alert": Alert, "page": Alert,
	"fatal": Fatal, "fatal2": 22, "fatal3": 23, "fatal4": 24, "emergency": Fatal, "emerg": Fatal, "panic": Fatal, "dpanic": Fatal,
}

// ParseSeverity returns the severity that word means, in any case, and
// whether the word is known.
func ParseSeverity(word string) (severity Severity, known bool) {
	severity, known = synonyms[strings.ToLower(strings.TrimSpace(word))]
	return severity, known
}

// severityNumber returns n as a Severity if it is on the scale.
func severityNumber(n int64) (Severity, bool) {
	if n < 0 || n > int64(maxSeverity) {
		return Unspecified, false
	}
	return Severity(n), true
}
