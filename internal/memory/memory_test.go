package memory_test

import (
	"math"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/internal/memory"
)

func TestSizesAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]int64{
		"67108864": 67108864, "64MB": 64e6, "64 MB": 64e6, "64M": 64e6, "96Mi": 96 << 20, "96MiB": 96 << 20, "1GiB": 1 << 30, "2g": 2e9, "40000kB": 40e6,
	} {
		c := memory.Config{Limit: text}
		if errs := c.Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", text, errs)
		}
		if got := c.Effective(); got.Bytes != want || got.Origin != "MEMORY_LIMIT" {
			t.Errorf("%s is %+v, want %d", text, got, want)
		}
	}
}

func TestWrongSizesAreToldWithTheFix(t *testing.T) {
	for _, text := range []string{"much", "64XB", "MB", "-64MB", "64MBMB", "9999999999GB", "6.4GB", "10MB", "0"} {
		errs := memory.Config{Limit: text}.Validate()
		if len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), "MEMORY_LIMIT=") {
			t.Errorf("%s: %v", text, errs)
		}
	}
}

func TestWithoutASettingThereIsALimit(t *testing.T) {
	c := memory.Config{}
	if errs := c.Validate(); len(errs) > 0 {
		t.Error(errs)
	}
	if got := c.Effective(); got.Bytes < 32<<20 || got.Origin == "MEMORY_LIMIT" || got.Messages() < 1<<20 {
		t.Errorf("got %+v", got)
	}
}

func TestTheRuntimeKeepsWithinTheLimitUnlessGOMEMLIMITSaysOtherwise(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(math.MaxInt64))
	limit := memory.Limit{Bytes: 90e6}
	t.Setenv("GOMEMLIMIT", "1GiB")
	if limit.Apply(); debug.SetMemoryLimit(-1) != math.MaxInt64 {
		t.Error("GOMEMLIMIT was overridden")
	}
	t.Setenv("GOMEMLIMIT", "")
	if limit.Apply(); debug.SetMemoryLimit(-1) != 54e6 {
		t.Errorf("the limit of the runtime is %d", debug.SetMemoryLimit(-1))
	}
}

func TestGarbageIsCollectedLessOftenUnlessGOGCSaysOtherwise(t *testing.T) {
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	t.Setenv("GOGC", "50")
	memory.Limit{Bytes: 90e6}.Apply()
	if got := debug.SetGCPercent(100); got != 100 {
		t.Errorf("GOGC was overridden with %d", got)
	}
	t.Setenv("GOGC", "")
	memory.Limit{Bytes: 90e6}.Apply()
	if got := debug.SetGCPercent(100); got != 200 {
		t.Errorf("garbage is collected at %d percent", got)
	}
}
