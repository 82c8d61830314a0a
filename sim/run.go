package sim

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sink/sinktest"
)

// Setup is what all simulations of a process share: it is slow to make.
type Setup struct {
	authority *sinktest.Authority
	caFile    string
	Story     bool // tell what happens
	Verbose   bool // and what the workers log
}

// NewSetup makes one. Its certificate is valid in virtual time only.
func NewSetup(t *testing.T) *Setup {
	t.Helper()
	s := &Setup{caFile: filepath.Join(t.TempDir(), "ca.pem")}
	synctest.Test(t, func(t *testing.T) {
		var err error
		s.authority, err = sinktest.NewAuthority([]string{"xmpp.test"}, time.Now().AddDate(10, 0, 0))
		if err != nil {
			t.Fatal(err)
		}
		trusted := s.authority.ServerPEM() // itself: its chain need not be verified at each login, which takes long
		if err := os.WriteFile(s.caFile, trusted, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	return s
}

func (s *Setup) logger(obs *observer, p *process) *slog.Logger {
	if s.Verbose {
		return storyLogger(obs, p)
	}
	return slog.New(slog.DiscardHandler)
}

// Outcome is what became of a simulation.
type Outcome struct {
	Violations []string
	Story      []string
}

// Failed reports whether anything was wrong.
func (o Outcome) Failed() bool { return len(o.Violations) > 0 }

// Run carries a plan out. What hangs in it is not reported but ends the process,
// or never returns: run it in a process of its own.
func Run(t *testing.T, setup *Setup, p *Plan) (o Outcome) {
	t.Helper()
	cryptotest.SetGlobalRandom(t, p.Seed)
	var obs *observer
	defer func() {
		if why := recover(); why != nil { // goroutines that are left, or a panic in the driver
			o = Outcome{Violations: append(obs.violations, fmt.Sprint(why)), Story: obs.story}
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		obs = newObserver(p)
		obs.quiet = !setup.Story
		w, err := newWorld(p, setup, obs)
		if err != nil {
			t.Fatal(err)
		}
		w.run()
	})
	return Outcome{Violations: obs.violations, Story: obs.story}
}
