package conn

import (
	"log/slog"
	"strconv"
	"testing"
	"time"
)

// A server whose errors never repeat must not make the worker keep more and more of
// them.
func TestErrorsThatWereLoggedAreForgotten(t *testing.T) {
	t.Parallel()
	w := &watcher{log: slog.New(slog.DiscardHandler)}
	for i := range 1000 {
		w.begun = time.Time{} // long ago
		if !w.news("error " + strconv.Itoa(i)) {
			t.Fatalf("error %d is not told", i)
		}
	}
	if len(w.logged) > mostLogged {
		t.Errorf("%d are kept", len(w.logged))
	}
}
