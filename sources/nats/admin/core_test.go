package admin_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/admin"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/core"
	"github.com/xmpp-notifier/xmpp-notifier/sources/nats/internal/natstest"
)

// PrepareCore finds or creates the place of the dead letters.
func TestPrepareCore(t *testing.T) {
	t.Parallel()
	b := natstest.StartServer(t)
	cfg := core.Config{Subjects: []string{"core.>"}, Queue: "xmpp-notifier", Buffer: 10_000}
	report := admin.PrepareCore(t.Context(), natstest.Settings(b.Addr()), cfg, sources.CreateConsumer)
	if !strings.Contains(fmt.Sprint(report.Of(check.Fail)), "dlq.core.>") {
		t.Errorf("report %+v does not tell that dead letters have no place", report)
	}
	admin.PrepareCore(t.Context(), natstest.Settings(b.Addr()), cfg, sources.CreateAll)
	_, err := b.JS.Stream(t.Context(), "core-dlq")
	natstest.Must(t, err)
	if report = admin.PrepareCore(t.Context(), natstest.Settings(b.Addr()), cfg, sources.CheckOnly); report.ExitCode() != 0 {
		t.Errorf("report %+v", report)
	}
}
