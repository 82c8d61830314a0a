package envelope

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// scale is a way in which publishers count severities.
type scale struct {
	what string
	// paths are the members that count so, "" for all that hold a severity;
	// only if one of the members with is there as well.
	paths, with string
	steps       steps
	// sure says that nobody else counts in these numbers.
	sure bool
}

// steps are the least numbers of each severity, ascending.
type steps []struct {
	least    int
	severity Severity
}

var syslogSteps = steps{{0, Fatal}, {1, Alert}, {2, Critical}, {3, Error}, {4, Warning}, {5, Notice}, {6, Info}, {7, Debug}, {8, Unspecified}} //nolint:gochecknoglobals // a constant table

// scales lists the scales. The first one that has a number says what it means.
var scales = [...]scale{ //nolint:gochecknoglobals // a constant table
	{what: "OpenTelemetry", paths: "severitynumber", sure: true, steps: steps{{1, Trace}, {5, Debug}, {9, Info}, {10, Notice}, {13, Warning}, {17, Error}, {18, Critical}, {19, Alert}, {21, Fatal}, {25, Unspecified}}},
	{what: "Python and Rollbar", paths: "levelno item.level", sure: true, steps: steps{{1, Trace}, {10, Debug}, {20, Info}, {30, Warning}, {40, Error}, {50, Critical}, {51, Unspecified}}},
	{what: "logback", paths: "levelvalue", sure: true, steps: steps{{5000, Trace}, {10000, Debug}, {20000, Info}, {30000, Warning}, {40000, Error}, {50000, Unspecified}}},
	{what: "Zabbix", paths: "eventnseverity nseverity triggerseverity", sure: true, steps: steps{{0, Unspecified}, {1, Info}, {2, Warning}, {3, Warning}, {4, Error}, {5, Critical}, {6, Unspecified}}},
	{what: "Wazuh", paths: "rule.level", sure: true, steps: steps{{0, Info}, {5, Notice}, {7, Warning}, {12, Error}, {15, Critical}, {17, Unspecified}}},
	{what: "checks of Nagios and Icinga", paths: "state servicestate checkresult.state exitstatus", with: "checkresult serviceoutput pluginoutput servicedescription", sure: true, steps: steps{{0, Info}, {1, Warning}, {2, Critical}, {3, Unspecified}}},
	{what: "exit codes of Docker", paths: "attributes.exitcode", steps: steps{{0, Info}, {1, Error}, {256, Unspecified}}},
	{what: "reports of Trivy", paths: "summary.criticalcount", steps: steps{{0, Unspecified}, {1, Critical}}},
	{what: "reports of Trivy", paths: "summary.highcount", steps: steps{{0, Unspecified}, {1, Error}}},
	{what: "reports of Trivy", paths: "summary.mediumcount", steps: steps{{0, Unspecified}, {1, Warning}}},
	{what: "Gotify", paths: "priority", with: "appid", sure: true, steps: steps{{0, Info}, {4, Warning}, {8, Error}, {11, Unspecified}}},
	{what: "ntfy", paths: "priority", with: "topic", sure: true, steps: steps{{1, Info}, {3, Notice}, {4, Warning}, {5, Error}, {6, Unspecified}}},
	{what: "events of Windows", paths: "system.level", sure: true, steps: steps{{0, Info}, {1, Critical}, {2, Error}, {3, Warning}, {4, Info}, {5, Debug}, {6, Unspecified}}},
	{what: "syslog", paths: "severity level priority", with: "facility facilitynum shortmessage procid appname syslogidentifier syslogfacility pri hostname.transport", sure: true, steps: syslogSteps},
	{what: "syslog", paths: "level", steps: syslogSteps},
	{what: "OpenTelemetry", paths: "severity", sure: true, steps: steps{{11, Notice}, {13, Warning}, {17, Error}, {18, Critical}, {19, Alert}, {21, Fatal}, {25, Unspecified}}},
	{what: "pino and bunyan", paths: "level", sure: true, steps: steps{{10, Trace}, {20, Debug}, {30, Info}, {40, Warning}, {50, Error}, {60, Fatal}, {61, Unspecified}}},
	{what: "java.util.logging", paths: "level levelvalue", sure: true, steps: steps{{300, Trace}, {400, Trace}, {500, Debug}, {700, Debug}, {800, Info}, {900, Warning}, {1000, Error}, {1001, Unspecified}}},
	{what: "classes", paths: "severity priority urgency impact sev", steps: steps{{1, Critical}, {2, Error}, {3, Warning}, {4, Notice}, {5, Info}, {6, Unspecified}}},
}

// of returns the severity of a number, if it is within the scale.
func (s steps) of(number string) (Severity, bool) {
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) > 1e6 {
		return Unspecified, false
	}
	found := Unspecified
	for _, step := range s {
		if step.least <= int(n) {
			found = step.severity
		}
	}
	return found, found != Unspecified
}

// counts reports whether s is a scale for the member at path.
func (s *scale) counts(path string) bool {
	return slices.ContainsFunc(strings.Fields(s.paths), func(wanted string) bool { return endsWith(path, wanted) })
}
