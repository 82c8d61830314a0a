package filter_test

import (
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/filter"
)

// disk is the notification that most tests judge.
func disk() envelope.Envelope {
	return envelope.Envelope{
		Severity: envelope.Error, State: envelope.Firing, Subject: "Disk full", Message: "100 %", Source: "disk-watch",
		HostName: "db-1", ServerName: "s", DomainName: "d", InstanceName: "i", EventType: "DISK", ID: "7", Fingerprint: "f",
		Labels: map[string]string{"team": "storage", "with space": "x"},
	}
}

func judge(t *testing.T, c filter.Config, e envelope.Envelope) filter.Verdict {
	t.Helper()
	f, err := filter.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return f.Judge(&e)
}

func TestMinSeverityIsTheLeastThatIsShown(t *testing.T) {
	for word, want := range map[string]filter.Verdict{
		"": filter.Show, "INFO": filter.Show, "WARNING": filter.Show, "SEVERE": filter.Show, "error": filter.Show,
		"critical": filter.TooLow, "FATAL": filter.TooLow,
	} {
		if got := judge(t, filter.Config{MinSeverity: word}, disk()); got != want {
			t.Errorf("MIN_SEVERITY=%s: %q, want %q", word, got, want)
		}
	}
	if got := judge(t, filter.Config{MinSeverity: "fatal"}, envelope.Envelope{Subject: "s"}); got != filter.Show {
		t.Errorf("without severity: %q, want it shown", got)
	}
}

func TestWhatIsMeantForOthersIsNotShown(t *testing.T) {
	e := disk()
	e.OtherNotifier = true
	if got := judge(t, filter.Config{}, e); got != filter.OtherNotifier {
		t.Errorf("got %q", got)
	}
}

func TestRulesSeeLabelsAndFields(t *testing.T) {
	for rule, want := range map[string]bool{
		`team="storage"`:                     true,
		`team="web"`:                         false,
		`team!="web"`:                        true,
		`team=~"stor.*|web"`:                 true,
		`team=~"stor"`:                       false, // the whole value
		`team!~"w.*"`:                        true,
		`absent=""`:                          true,
		`absent!=""`:                         false,
		`{team="storage",severity="error"}`:  true,
		`team="storage", severity="warning"`: false,
		`"with space"="x"`:                   true,
		`state=firing`:                       true,
		`source=disk-watch`:                  true,
		`host=~"db-[0-9]"`:                   true,
		`subject="Disk full"`:                true,
		`message="100 %"`:                    true,
		`type=DISK, server=s, domain=d, instance=i, id="7", fingerprint=f`: true,
	} {
		if got := judge(t, filter.Config{Match: rule}, disk()); (got == filter.Show) != want {
			t.Errorf("MATCH=%s: %q", rule, got)
		}
		if got := judge(t, filter.Config{Exclude: rule}, disk()); (got == filter.IsExcluded) != want {
			t.Errorf("EXCLUDE=%s: %q", rule, got)
		}
	}
}

func TestLabelsGoBeforeFields(t *testing.T) {
	e := disk()
	e.Labels["severity"] = "page"
	if got := judge(t, filter.Config{Match: `severity="page"`}, e); got != filter.Show {
		t.Errorf("got %q", got)
	}
}

func TestOneRuleOfSeveralIsEnough(t *testing.T) {
	c := filter.Config{Match: "# who we are\nteam=\"web\"\n\nteam=\"storage\"\n", Exclude: "state=\"resolved\"\nhost=\"db-9\""}
	if got := judge(t, c, disk()); got != filter.Show {
		t.Errorf("got %q", got)
	}
	c.Exclude += "\nhost=\"db-1\""
	if got := judge(t, c, disk()); got != filter.IsExcluded {
		t.Errorf("got %q", got)
	}
}

func TestValidateNamesSettingValueAndFix(t *testing.T) {
	c := filter.Config{MinSeverity: "loud", Match: `team="`, Exclude: "{}"}
	errs := c.Validate()
	if len(errs) != 3 {
		t.Fatalf("got %v", errs)
	}
	for i, want := range []string{`MIN_SEVERITY="loud": use debug`, `MATCH: rule "team=\""`, `EXCLUDE: rule "{}" has no matcher`} {
		if !strings.Contains(errs[i].Error(), want) {
			t.Errorf("got %v, want %s", errs[i], want)
		}
	}
	for _, bad := range []string{`team=~"("`, strings.Repeat("a=b\n", 101)} {
		if len(filter.Config{Match: bad}.Validate()) != 1 {
			t.Errorf("%.20q is accepted", bad)
		}
	}
}

// FuzzRules checks that any text is either a mistake that is explained, or
// rules that judge anything.
func FuzzRules(f *testing.F) {
	for _, rule := range []string{`team="storage"`, `{a=~"b.*",c!~"d"}`, "a=b\n# c\nd!=e", `"ü"="\n"`, `a=~"(((a+)+)+)+$"`, `a="`, "{,}"} {
		f.Add(rule, "storage")
	}
	f.Fuzz(func(t *testing.T, rule, label string) {
		loaded, err := filter.New(filter.Config{Match: rule, Exclude: rule})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "MATCH: ") {
				t.Errorf("no setting is named: %v", err)
			}
			return
		}
		e := disk()
		e.Labels["team"], e.Labels[label] = label, label
		if got := loaded.Judge(&e); got == filter.Show && hasRules(rule) {
			t.Errorf("%q both matches and does not exclude", rule)
		}
	})
}

// hasRules reports whether not all lines are blank or comments.
func hasRules(text string) bool {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			return true
		}
	}
	return false
}

func BenchmarkJudge(b *testing.B) {
	f, err := filter.New(filter.Config{MinSeverity: "info", Match: `team="storage", host=~"db-.*"`, Exclude: `state="resolved"`})
	if err != nil {
		b.Fatal(err)
	}
	e := disk()
	b.ReportAllocs()
	for b.Loop() {
		if f.Judge(&e) != filter.Show {
			b.Fatal("not shown")
		}
	}
}
