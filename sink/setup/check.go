package setup

import (
	"context"
	"errors"
	"fmt"

	"github.com/xmpp-notifier/xmpp-notifier/check"
	"github.com/xmpp-notifier/xmpp-notifier/sink/inspect"
)

// check goes the worker's way into the room, which also sees that it may speak.
func (j *job) check(ctx context.Context) (Line, error) {
	if j.DryRun {
		return Line{Would, "check that " + j.Worker.JID + " can enter and speak"}, nil
	}
	text := j.Worker.JID + " can enter and speak"
	for _, found := range inspect.Run(ctx, j.Worker, inspect.Probes{RoundTrip: j.RoundTrip}) {
		switch {
		case found.Status == check.Fail:
			return Line{}, errors.New(found.Text())
		case found.Status == check.Warn && found.Class == check.Room:
			j.note("%s: %s", found.Name, found.Text())
		case found.Name == "round trip":
			text = fmt.Sprintf("%s; a message was %s", text, found.Detail)
		}
	}
	return Line{Done, "checked: " + text}, nil
}
