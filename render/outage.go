package render

import (
	"fmt"
	"time"
)

// Outage returns the line that is shown before what waited while the room was away, for
// the reason why.
//
//	⏳ Back after 8 min (12:01–12:09 UTC, connection lost): 143 notifications follow
func (r *Renderer) Outage(from, to time.Time, why string, waiting int64) string {
	times := timeSpan{from.UTC(), to.UTC()}
	layout := "15:04"
	if !times.isOneDay() {
		layout = "01-02 15:04"
	}
	follow := "1 notification follows"
	if waiting != 1 {
		follow = fmt.Sprintf("%d notifications follow", waiting)
	}
	return r.config.safe(fmt.Sprintf("⏳ Back after %s (%s UTC, %s): %s", times.length(), times.text(layout), why, follow))
}
