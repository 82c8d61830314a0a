package envelope

import "strings"

// Severity says how bad it is. Greater is worse.
type Severity int

// The severities, from none given to worst.
const (
	Unspecified Severity = iota // the publisher did not say, or in a word that is not known
	Debug
	Info
	Warning
	Error
	Critical
)

// String returns the word for s in lower case.
func (s Severity) String() string {
	switch s {
	case Debug:
		return "debug"
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Error:
		return "error"
	case Critical:
		return "critical"
	case Unspecified:
	}
	return "unspecified"
}

// ParseSeverity returns the severity that word means, in any case, and
// whether the word is known. The words are those of syslog, java.util.logging
// (Payara), OpenTelemetry, the usual log libraries, ITU alarms and monitoring
// systems.
func ParseSeverity(word string) (severity Severity, known bool) {
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "", "unspecified":
		return Unspecified, true
	case "debug", "dbg", "trace", "verbose", "config", "fine", "finer", "finest":
		return Debug, true
	case "info", "information", "informational", "notice", "note", "ok", "good", "normal", "success", "cleared", "resolved", "low":
		return Info, true
	case "warning", "warn", "minor", "medium", "average":
		return Warning, true
	case "error", "err", "severe", "fail", "failed", "failure", "major", "high", "check_error":
		return Error, true
	case "critical", "crit", "fatal", "emergency", "emerg", "alert", "panic", "disaster", "page", "urgent":
		return Critical, true
	}
	return Unspecified, false
}
