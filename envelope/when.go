package envelope

import (
	"strconv"
	"strings"
	"time"
)

// layouts are the ways in which the world writes times, apart from RFC 3339. A
// time without a zone is UTC.
var layouts = [...]string{ //nolint:gochecknoglobals // a constant table
	"2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999Z0700", "2006-01-02 15:04:05.999999999 Z07:00",
	"2006-01-02 15:04:05.999999999 -0700 MST", "2006-01-02 15:04:05.999999999 -0700", "2006-01-02 15:04:05.999999999 MST", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04:05.999999999Z07", "2006-01-02 15:04:05.999999999Z07", "02.01.2006 15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02 15:04", "20060102T150405Z0700", "20060102T150405",
	"2006/01/02 15:04:05", "2006.01.02 15:04:05", "02/Jan/2006:15:04:05 -0700", "02-Jan-2006 15:04:05",
	time.RFC1123Z, time.RFC1123, time.RFC850, time.RFC822Z, time.RFC822, time.UnixDate, time.RubyDate, time.ANSIC,
	"Mon 02 Jan 2006 03:04:05 PM MST", "Monday, 02-Jan-06 15:04:05 MST",
}

// maxTimeText is how long a text may be that is a time.
const maxTimeText = 64

// anyTime returns the time that s is in any of the usual ways, whether as text
// or as a number of seconds, milli-, micro- or nanoseconds since 1970.
func anyTime(s string) (time.Time, bool) {
	if s == "" || len(s) > maxTimeText {
		return time.Time{}, false
	}
	s, _, _ = strings.Cut(s, "[") // Java writes 2026-03-29T13:05:00+02:00[Europe/Berlin]
	if t, ok := epoch(s); ok {
		return t, true
	}
	var t time.Time
	if t.UnmarshalText([]byte(s)) == nil {
		return t, isPlausible(t)
	}
	s = strings.Replace(s, ",", ".", 1) // Python and log4j write 13:05:00,123
	for _, layout := range layouts {
		if t, err := time.Parse(layout, s); err == nil {
			return t, isPlausible(t) && hasZone(t)
		}
	}
	return time.Time{}, false
}

// hasZone reports whether the zone of t is known: of others than UTC, an
// abbreviation like CEST tells no offset.
func hasZone(t time.Time) bool {
	name, offset := t.Zone()
	return offset != 0 || name == "UTC" || name == "GMT" || name == "Z" || name == ""
}

// The years between which a number is taken for a time.
const firstYear, lastYear = 2000, 2100

func isPlausible(t time.Time) bool { return firstYear <= t.Year() && t.Year() < lastYear }

// epoch finds the unit in which a number is a time of our days.
func epoch(s string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n < int64(time.Second) {
		float, err := strconv.ParseFloat(s, 64) // 1.774789500123E9
		if err != nil || float < 1e8 || float > 1e19 || !strings.ContainsAny(s, "eE") {
			return time.Time{}, false
		}
		n, fraction = int64(float), ""
	}
	for _, unit := range [...]int64{1, 1e3, 1e6, 1e9} {
		if t := time.Unix(n/unit, n%unit*(1e9/unit)).UTC(); isPlausible(t) {
			if unit == 1 {
				after, _ := time.ParseDuration("0." + fraction + "0s")
				t = t.Add(after)
			}
			return t, true
		}
	}
	return time.Time{}, false
}
