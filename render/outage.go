package render

import (
	"fmt"
	"time"
)

// Outage returns the line that is shown before what waited while the room was away, for
// the reason why. oldest is when the broker got the oldest of that, zero if nobody knows.
//
//	⏳ Back after 8 min (12:01–12:09 UTC, connection lost): 143 notifications follow, the oldest of 12:01:30
func (r *Renderer) Outage(from, to time.Time, why string, waiting int64, oldest time.Time) string {
	times := timeSpan{from.UTC(), to.UTC()}
	layout := "15:04"
	if !times.isOneDay() {
		layout = "01-02 15:04"
	}
	follow, of := "1 notification follows", ", of "
	if waiting != 1 {
		follow, of = fmt.Sprintf("%d notifications follow", waiting), ", the oldest of "
	}
	if !oldest.IsZero() {
		follow += of + oldest.UTC().Format(timeSpan{oldest.UTC(), to.UTC()}.layout())
	}
	return r.config.safe(fmt.Sprintf("⏳ Back after %s (%s UTC, %s): %s", times.length(), times.text(layout), why, follow))
}
