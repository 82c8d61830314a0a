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

// names are the words for severities, the worst first.
var names = [...]struct { //nolint:gochecknoglobals // a constant table
	least Severity
	word  string
}{
	{Fatal, "fatal"},
	{Alert, "alert"},
	{Critical, "critical"},
	{Error, "error"},
	{Warning, "warning"},
	{Notice, "notice"},
	{Info, "info"},
	{Debug, "debug"},
	{Trace, "trace"},
}

// String returns the word for s in lower case.
func (s Severity) String() string {
	if s <= maxSeverity {
		for _, name := range names {
			if s >= name.least {
				return name.word
			}
		}
	}
	return "unspecified"
}

// MarshalText writes the word for s.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// vocabulary is one table of all words for severities: those of syslog,
// java.util.logging (Payara), OpenTelemetry, the usual log libraries, ITU
// alarms, monitoring systems and ticket systems. Where OpenTelemetry's data
// model says what a word of another scale means, it is so. docs/formats.md
// shows it.
var vocabulary = []struct { //nolint:gochecknoglobals // a constant table
	severity Severity
	words    string
}{
	{Unspecified, "unspecified unknown none indeterminate notclassified default notset"},
	{Trace, "trace trc finest verbose vrb silly"},
	{2, "trace2"},
	{3, "trace3"},
	{4, "trace4"},
	{Debug, "debug dbg dbug finer d"},
	{6, "debug2 fine"},
	{7, "debug3 config"},
	{8, "debug4"},
	{Info, "info inf information informational i ok good normal success up low lowest trivial cleared resolved recovery green 5"},
	{Notice, "notice note info2 4"},
	{11, "info3"},
	{12, "info4"},
	{Warning, "warning warn wrn w minor medium moderate average caution ticket yellow amber orange 3"},
	{14, "warn2"},
	{15, "warn3"},
	{16, "warn4"},
	{Error, "error err eror e severe major high fail failed failure down checkerror danger red 2"},
	{Critical, "critical crit error2 disaster urgent blocker highest 1"},
	{Alert, "alert page error3"},
	{20, "error4"},
	{Fatal, "fatal ftl f emergency emerg panic pnc dpanic"},
	{22, "fatal2"},
	{23, "fatal3"},
	{24, "fatal4"},
}

// synonyms is the vocabulary by word.
var synonyms = func() map[string]Severity { //nolint:gochecknoglobals // a constant table
	all := map[string]Severity{"": Unspecified}
	for _, line := range vocabulary {
		for word := range strings.FieldsSeq(line.words) {
			all[word] = line.severity
		}
	}
	return all
}()

// classes are the words that publishers put before a number, as in P1, SEV-2 and
// S3, and, if they are longer, before a word, as in LOG_ERR and SEVERITY_NUMBER_WARN.
var classes = [...]string{"health", "severitynumber", "severity", "priority", "loglevel", "level", "log", "sev", "prio", "p", "s"} //nolint:gochecknoglobals // a constant table

// ParseSeverity returns the severity that word means, in any case, and
// whether the word is known.
func ParseSeverity(word string) (severity Severity, known bool) { return severities(nil).parse(word) }

// severities are words that the operator adds to the vocabulary, as canonical
// has them.
type severities map[string]Severity

// parse takes a word like WARNING, Sev-2 or P1, and of several, as in
// "1 - Critical", the first that is known.
func (own severities) parse(text string) (Severity, bool) {
	if strings.HasPrefix(text, "-") && isNumber(text) { // a word has no sign
		return Unspecified, false
	}
	if s, known := own.word(canonical(text)); known || len(text) > maxSeverityText {
		return s, known
	}
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" \t-:/([,.", r) }) {
		word = canonical(strings.TrimRight(word, ")]"))
		if s, known := own.word(word); known && s != Unspecified {
			return s, true
		}
		if word == "not" || word == "no" { // what follows is not so
			break
		}
	}
	return Unspecified, false
}

// maxSeverityText is how long a text may be that has a word for a severity in it.
const maxSeverityText = 40

func (own severities) word(word string) (Severity, bool) {
	if s, known := own[word]; known {
		return s, true
	}
	if s, known := synonyms[word]; known {
		return s, true
	}
	for _, class := range classes {
		rest, found := strings.CutPrefix(word, class)
		switch {
		case !found:
		case len(rest) == 1:
			if rest == "0" { // those who begin with P0 mean the worst
				rest = "1"
			}
			s, known := synonyms[rest]
			return s, known && '0' <= rest[0] && rest[0] <= '5'
		case len(class) > 1 && rest != "":
			if s, known := synonyms[rest]; known {
				return s, true
			}
		}
	}
	return Unspecified, false
}

// canonical is a word without what differs between publishers.
func canonical(word string) string {
	word = strings.TrimSpace(word)
	if !strings.ContainsAny(word, "-_ ") {
		return strings.ToLower(word)
	}
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(word))
}
