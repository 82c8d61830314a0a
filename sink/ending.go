package sink

import (
	"errors"
	"fmt"
	"os"
	"slices"
)

// ending is how a stay ended. It says what others may not have been sent of what
// the server sent us.
type ending int

const (
	brokenOff ending = iota // nothing is known of the server
	shutDown                // it went down, or its rooms did, perhaps before all had been sent to others
	parted                  // the stay is over, the server and the room go on
)

func endingOf(end error) ending {
	c, said := errors.AsType[*Condition](end)
	_, removed := errors.AsType[*RemovedError](end)
	switch {
	case errors.Is(end, errClosed), errors.Is(end, errGone), errors.Is(end, errNotInRoom), said && !goesOn(c):
		return shutDown
	case removed, said, errors.Is(end, errNickFree):
		return parted
	default: // silence, a stall, the network
		return brokenOff
	}
}

// goesOn reports whether who ends our stay with this condition is there, and
// knows us. A room that has been restarted does not, nor does a server without it.
func goesOn(c *Condition) bool {
	if c.Type == "" { // of the stream: those of stanzas have a type
		return c.Name != "system-shutdown"
	}
	return slices.Contains([]string{"forbidden", "not-allowed", "policy-violation", "resource-constraint"}, c.Name)
}

// farewell is why a stay ended with err. After our seat was taken (gone) that is
// what the server said then, or that it closed the stream, or just that.
func farewell(gone, err error) error {
	_, said := errors.AsType[*Condition](err)
	switch {
	case gone == nil, said:
		return err
	case errors.Is(err, os.ErrDeadlineExceeded): // it is still there
		return gone
	default:
		return fmt.Errorf("%w: %w", gone, errClosed)
	}
}
