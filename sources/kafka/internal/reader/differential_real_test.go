//go:build real

package reader_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

func TestRealLogs(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // the first start fetches it
	defer cancel()
	broker, err := testbed.Kafka(ctx, testbed.Options{Dir: t.TempDir()})
	if missing, ok := errors.AsType[*testbed.Missing](err); ok && os.Getenv("CI") != "true" {
		t.Skip(strings.ToUpper(missing.Error()))
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	readAlike(t, []string{broker.Addr}, func(*kind) bool { return true })
}
