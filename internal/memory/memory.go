// Package memory bounds what the process takes of the machine's memory.
package memory

import (
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// Config is what the operator says about memory.
type Config struct {
	Limit string `envconfig:"MEMORY_LIMIT" desc:"Memory of the worker, at least 32MiB: bytes, or a number with MB, MiB, GB or GiB. It bounds the messages that the worker holds, and the Go runtime (GOMEMLIMIT, if that is not set). Default: the limit of the cgroup, else 64MB."`
}

const (
	least    = 32 << 20
	fallback = 64_000_000
)

// Validate returns everything that is wrong with c, each error with its fix.
func (c Config) Validate() []error {
	limit, err := parse(c.Limit)
	switch {
	case c.Limit == "":
		return nil
	case err != nil:
		return []error{check.Faultf("give bytes, or a number with MB, MiB, GB or GiB, like 64MB", "MEMORY_LIMIT=%q: not a size", c.Limit)}
	case limit < least:
		return []error{check.Faultf("give at least 32MiB", "MEMORY_LIMIT=%q: too little for the worker", c.Limit)}
	}
	return nil
}

// Limit is a number of bytes, and where it comes from.
type Limit struct {
	Bytes  int64
	Origin string
}

// Effective returns the limit that holds: the operator's, that of the cgroup, or
// the default.
func (c Config) Effective() Limit {
	if limit, err := parse(c.Limit); err == nil && limit > 0 {
		return Limit{limit, "MEMORY_LIMIT"}
	}
	if limit, err := memlimit.FromCgroup(); err == nil && limit > 0 && limit < 1<<62 {
		return Limit{max(least, int64(limit)), "cgroup"}
	}
	return Limit{fallback, "default"}
}

// Messages is how large the messages may be that the worker holds: a sixteenth.
// In the worst case each is there several times for a moment, decoded and
// rendered, and one more may come than fits.
func (l Limit) Messages() int { return int(l.Bytes / 16) }

// Batch is how large a batch of messages may be that is read as a whole: five
// sixteenths, about half of what the runtime gets.
func (l Limit) Batch() int { return int(l.Bytes * 5 / 16) }

// Apply has the Go runtime keep within the limit, as far as it can. What is not
// the runtime's, above all the program itself, takes the rest. Within it, garbage is
// collected less often than by default: the heap is small, and each collection costs
// more than the memory that it saves. GOMEMLIMIT and GOGC have precedence.
func (l Limit) Apply() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(l.Bytes * 3 / 5)
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
}

// garbage is how much may be allocated between two collections, in percent of what is
// in use.
const garbage = 200

// parse reads a number of bytes with its unit.
func parse(text string) (int64, error) {
	number := strings.TrimRight(text, "BbGgIiKkMm")
	factor, known := map[string]int64{
		"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9,
		"ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30,
	}[strings.ToLower(text[len(number):])]
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || !known || n < 0 || n > 1<<62/factor {
		return 0, fmt.Errorf("parse size %q: %w", text, strconv.ErrSyntax)
	}
	return n * factor, nil
}
