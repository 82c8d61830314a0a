package worker

import (
	"context"
	"time"
)

// freed tells those who wait that something has become free. Its owner's lock guards it.
type freed struct{ c chan struct{} } // closed then; nil: nobody waits

func (f *freed) wait() <-chan struct{} {
	if f.c == nil {
		f.c = make(chan struct{})
	}
	return f.c
}

func (f *freed) tell() {
	if f.c != nil {
		close(f.c)
		f.c = nil
	}
}

// lookAgain is how often who waits looks again although nothing has become free: limits
// change, of which nobody tells.
const lookAgain = 10 * time.Second

// await calls try until it returns nil: each time when the channel that it returned is
// closed, and from time to time (late). It reports false if lost is closed or ctx ends before.
func await(ctx context.Context, lost <-chan struct{}, try func(late bool) <-chan struct{}) bool {
	freed := try(false)
	if freed == nil {
		return true
	}
	again := time.NewTicker(lookAgain)
	defer again.Stop()
	for late := false; freed != nil; freed = try(late) {
		select {
		case <-freed:
		case <-again.C:
			late = true
		case <-lost:
			return false
		case <-ctx.Done():
			return false
		}
	}
	return true
}
