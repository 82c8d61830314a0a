package conn

import (
	"log/slog"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// A server whose errors never repeat must not make the worker keep more and more of
// them.
func TestErrorsThatWereLoggedAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(*testing.T) {
		w := &watcher{log: slog.New(slog.DiscardHandler)}
		told := 0
		for i := range 1000 {
			if w.news("error " + strconv.Itoa(i)) {
				told++
			}
			time.Sleep(linesEvery)
		}
		if told < 900 || len(w.logged) > mostLogged {
			t.Errorf("%d were told, %d are kept", told, len(w.logged))
		}
	})
}
