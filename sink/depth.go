package sink

// depth finds out how many messages the history of the room holds, since no
// service says so. It outlives sessions; the reader of each uses it.
type depth struct {
	shown int // own messages that the room has shown since it last forgot
	last  int // how many the history told the last time, if that was not all
	then  int // shown at that time
	holds int // what it holds, 0: not known
}

// note takes how many messages a history has shown. It returns how many it holds, 0
// if that is not known: it has shown as many twice, although the room was shown more
// in between. A single time proves nothing: some servers keep a part over a restart.
// One that shows more has become longer.
func (d *depth) note(n int, forgot bool) (holds int) {
	switch {
	case forgot:
		d.shown, d.last, d.holds = n, 0, 0
		return 0
	case n >= d.shown:
		d.last, d.holds = 0, 0
		return 0
	case n == d.last && d.shown > d.then:
		d.holds = n
	case n != d.last:
		d.holds = 0
	}
	d.last, d.then = n, d.shown
	return d.holds
}
