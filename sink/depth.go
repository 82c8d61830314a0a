package sink

// depth finds out how many messages the history of the room holds, since no
// service says so. It outlives sessions; the reader of each uses it.
type depth struct {
	shown int // own messages that the room has shown since it last forgot
	last  int // how many the history told the last time, if that was not all
	then  int // shown at that time
}

// told takes how many messages a history has told. It returns that number if
// the history holds no more: it has told as many twice, although the room was
// shown more in between. A single time proves nothing: some servers keep a
// part over a restart.
func (d *depth) told(n int, forgot bool) (holds int) {
	switch {
	case forgot:
		d.shown, d.last = n, 0
		return 0
	case n >= d.shown:
		d.last = 0
		return 0
	case n == d.last && d.shown > d.then:
		holds = n
	}
	d.last, d.then = n, d.shown
	return holds
}
