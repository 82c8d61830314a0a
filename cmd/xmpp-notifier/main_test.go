package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// invoke runs the program with args and stdin.
func invoke(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = execute(t.Context(), args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestHelpNamesEveryCommandOnOneScreen(t *testing.T) {
	for _, args := range [][]string{{"help"}, {"--help"}, {"-h"}, {"-help"}} {
		code, out, _ := invoke(t, "", args...)
		for _, want := range []string{"  run  ", "  send  ", "  completion  ", "  health  ", "help settings", "-v, --verbose"} {
			if code != exitOK || !strings.Contains(out, want) {
				t.Errorf("%v: code %d, %q is missing in\n%s", args, code, want, out)
			}
		}
		if lines := strings.Count(out, "\n"); lines > 45 {
			t.Errorf("%v: %d lines are more than a screen", args, lines)
		}
	}
}

func TestHelpExplainsEverySetting(t *testing.T) {
	code, out, _ := invoke(t, "", "help", "settings")
	for _, want := range []string{"XMPP_JID  (text, required)", "NATS_STREAM", "KAFKA_TOPICS", "SHUTDOWN_GRACE  (duration, default 20s)"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Errorf("code %d, %q is missing", code, want)
		}
	}
}

func TestVersionIsKnownWithoutBeingGiven(t *testing.T) {
	for _, args := range [][]string{{"version"}, {"--version"}} {
		if code, out, _ := invoke(t, "", args...); code != exitOK || !strings.HasPrefix(out, "xmpp-notifier ") {
			t.Errorf("%v: code %d, %s", args, code, out)
		}
	}
}

func TestMistakesGiveExitCode2AndAreAllNamed(t *testing.T) {
	t.Setenv("SOURCES", "nats,rabbit")
	t.Setenv("XMPP_JID", "nobody")
	t.Setenv("XMPP_MAX_IN_FLIGHT", "many")
	t.Setenv("LOG_LEVEL", "loud")
	t.Setenv("SHUTDOWN_GRACE", "20")
	for _, args := range [][]string{{}, {"run"}, {"config"}} {
		code, _, errs := invoke(t, "", args...)
		if code != exitUsage {
			t.Errorf("%v: code %d", args, code)
		}
		for _, want := range []string{
			`SOURCES: unknown source "rabbit"`, `XMPP_MAX_IN_FLIGHT="many": not a number`, "XMPP_PASSWORD is not set", "XMPP_ROOM is not set",
			`LOG_LEVEL="loud": use debug, info, warn or error`, `SHUTDOWN_GRACE="20": not a duration`, "NATS_STREAM is not set",
		} {
			if !strings.Contains(errs, want) {
				t.Errorf("%v: %q is not named in\n%s", args, want, errs)
			}
		}
	}
	if code, _, errs := invoke(t, "", "dance"); code != exitUsage || !strings.Contains(errs, "unknown command \"dance\"\nSee: xmpp-notifier --help") {
		t.Errorf("code %d, %s", code, errs)
	}
	if code, _, errs := invoke(t, "", "config", "extra"); code != exitUsage || !strings.Contains(errs, `unexpected argument "extra"`) {
		t.Errorf("code %d, %s", code, errs)
	}
}

// roomEnv sets the environment for a room in this process.
func roomEnv(t *testing.T) *sinktest.Server {
	t.Helper()
	srv, err := sinktest.Start(sinktest.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"XMPP_JID": "notifier@" + srv.Domain(), "XMPP_PASSWORD": "notifier-pw", "XMPP_ADDR": srv.Addr(),
		"XMPP_ROOM": srv.RoomJID(), "XMPP_CA_FILE": ca,
	} {
		t.Setenv(name, value)
	}
	return srv
}

func TestConfigShowsWhatIsInEffectAndNoSecret(t *testing.T) {
	roomEnv(t)
	t.Setenv("SOURCES", "kafka")
	t.Setenv("KAFKA_BROKERS", "a:9092,b:9092")
	t.Setenv("KAFKA_TOPICS", "alerts")
	t.Setenv("XMPP_MAX_IN_FLIHGT", "50")
	code, out, errs := invoke(t, "", "config")
	if code != exitOK || strings.Contains(out, "notifier-pw") || strings.Contains(out, "NATS_") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
	table := strings.Join(strings.Fields(out), " ")
	for _, want := range []string{"XMPP_PASSWORD ******** environment", "KAFKA_BROKERS a:9092,b:9092 environment", "XMPP_MAX_IN_FLIGHT 16 default", "! XMPP_MAX_IN_FLIHGT is set but is no setting: did you mean XMPP_MAX_IN_FLIGHT?"} {
		if !strings.Contains(table, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestSendSucceedsOnlyWhenTheRoomHasShownIt(t *testing.T) {
	srv := roomEnv(t)
	code, out, errs := invoke(t, "", "send", "-subject", "Disk full", "-severity", "critical", "-id", "7")
	if posts := srv.Transcript(); code != exitOK || len(posts) != 1 || !strings.Contains(posts[0].Body, "CRITICAL Disk full") {
		t.Fatalf("code %d, %s%s, the room has shown %v", code, out, errs, posts)
	}
	code, out, errs = invoke(t, `{"subject":"from stdin"}`, "send", "-")
	if posts := srv.Transcript(); code != exitOK || len(posts) != 2 || posts[1].Body != "from stdin" {
		t.Fatalf("code %d, %s%s, the room has shown %v", code, out, errs, posts)
	}
	code, _, errs = invoke(t, `{"subject":"cut"}`+strings.Repeat(" ", 16<<20)+`{"subject":"off"}`, "send", "-")
	if posts := srv.Transcript(); code != exitFailed || len(posts) != 2 || !strings.Contains(errs, "longer than") {
		t.Fatalf("more than a message may have: code %d, %s, the room has shown %v", code, errs, posts)
	}
	code, out, errs = invoke(t, "", "send", "-subject", "Disk full", "-source", "another", "-id", "7")
	if posts := srv.Transcript(); code != exitOK || len(posts) != 3 {
		t.Fatalf("the same id of another source: code %d, %s%s, the room has shown %v", code, out, errs, posts)
	}
	t.Run("a wrong password is an error at once", func(t *testing.T) {
		t.Setenv("XMPP_PASSWORD", "wrong")
		code, _, errs := invoke(t, "", "send", "-timeout", "10m", "-subject", "s")
		if code != exitFailed || !strings.Contains(errs, "XMPP_PASSWORD") || len(srv.Transcript()) != 3 {
			t.Errorf("code %d, %s", code, errs)
		}
	})
	srv.LoseNext(-1)
	srv.HoldReflections()
	code, _, errs = invoke(t, "", "send", "-timeout", "300ms", "-subject", "lost")
	if code != exitFailed || !strings.Contains(errs, "the room has not shown it within 300ms") {
		t.Errorf("code %d, %s", code, errs)
	}
	if code, _, errs = invoke(t, "", "send", "-severity", "info"); code != exitUsage || !strings.Contains(errs, "give --subject") || !strings.Contains(errs, "See: xmpp-notifier send --help") {
		t.Errorf("code %d, %s", code, errs)
	}
}
