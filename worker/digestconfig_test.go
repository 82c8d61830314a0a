package worker_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/worker"
)

func TestWrongSettingsOfDigestsAreNamed(t *testing.T) {
	good := worker.DigestConfig{After: "20/1m", Every: 10 * time.Second, Max: 500, Severity: "critical"}
	if errs := good.Validate(); errs != nil {
		t.Error(errs)
	}
	for want, change := range map[string]func(*worker.DigestConfig){
		`DIGEST_AFTER="20"`:      func(c *worker.DigestConfig) { c.After = "20" },
		`DIGEST_AFTER="0/1m"`:    func(c *worker.DigestConfig) { c.After = "0/1m" },
		`DIGEST_AFTER="20/now"`:  func(c *worker.DigestConfig) { c.After = "20/now" },
		"DIGEST_EVERY=1ms":       func(c *worker.DigestConfig) { c.Every = time.Millisecond },
		"DIGEST_MAX=1":           func(c *worker.DigestConfig) { c.Max = 1 },
		`DIGEST_SEVERITY="loud"`: func(c *worker.DigestConfig) { c.Severity = "loud" },
		"MAX_AGE=-1h0m0s":        func(c *worker.DigestConfig) { c.MaxAge = -time.Hour },
		"OUTAGE_NOTICE=-1h0m0s":  func(c *worker.DigestConfig) { c.Outage = -time.Hour },
	} {
		c := good
		change(&c)
		if err := errors.Join(c.Validate()...); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestGraceIsNotNegative(t *testing.T) {
	t.Parallel()
	if errs := (worker.Config{}).Validate(); errs != nil {
		t.Errorf("no grace: %v", errs)
	}
	if err := errors.Join(worker.Config{Grace: -time.Second}.Validate()...); err == nil || !strings.Contains(err.Error(), "SHUTDOWN_GRACE=-1s") {
		t.Errorf("got %v", err)
	}
}
