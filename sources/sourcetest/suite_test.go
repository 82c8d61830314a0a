package sourcetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

// faultVariable names the fault that TestFaulty is to have.
const faultVariable = "SOURCETEST_FAULT"

// The suite fits a broker that is none of ours, in memory.
func TestMemory(t *testing.T) { runSuite(t, "") }

// TestFaulty is run by TestSuiteCatches only, in a process of its own.
func TestFaulty(t *testing.T) {
	if fault := os.Getenv(faultVariable); fault != "" {
		runSuite(t, fault)
	}
}

// runSuite runs the suite in fake time: what takes long is over at once.
func runSuite(t *testing.T, fault string) {
	t.Helper()
	sourcetest.Each(newMemory(fault), func(name string, run func(*testing.T, sourcetest.Broker)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { t.Helper(); run(t, newMemory(fault)) })
		})
	})
}

// Every mistake makes that test of the suite fail which is named for it.
func TestSuiteCatches(t *testing.T) {
	for fault, test := range map[string]string{
		"limit":              "Limit",
		"order":              "Order",
		"greedy":             "Limit",
		"bytes":              "LimitBytes",
		"ignores context":    "ReceiveEnds",
		"never stops":        "Stop",
		"forgets":            "SettleOnce",
		"never durable":      "Durable",
		"twice durable":      "SettleOnce",
		"watermark":          "AckForwards",
		"hoards":             "Release",
		"keeps":              "CloseReleases",
		"slow":               "CloseInTime",
		"headers":            "Message",
		"bare letters":       "Reject",
		"acknowledges first": "RejectWithoutTarget",
		"lease":              "HeldBeyondLease",
		"leak":               "NoLeaks",
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFaulty$/^"+test+"$") //nolint:gosec // this very program
			command.Env = append(os.Environ(), faultVariable+"="+fault)
			out, err := command.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestFaulty/"+test) {
				t.Errorf("the suite does not notice (%v):\n%s", err, out)
			}
		})
	}
}
