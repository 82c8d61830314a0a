package functions

import (
	"time"

	sprout "github.com/go-sprout/sprout/registry/time"
	"github.com/prometheus/common/helpers/templates"

	"github.com/xmpp-notifier/xmpp-notifier/render/internal/sandbox"
)

func (env Env) times() []sandbox.Function {
	lib := sprout.NewRegistry()
	return []sandbox.Function{
		define("now", "", "the time now, in UTC", func() time.Time { return env.Now().UTC() }),
		define("date", "LAYOUT TIME", "the time as [Go's layouts](https://pkg.go.dev/time#Layout) say; `date LAYOUT ZONE TIME` in a zone", date),
		define("dateInZone", "LAYOUT TIME ZONE", "likewise, in Helm's order", func(layout string, t any, zone string) (string, error) { return date(layout, zone, t) }),
		define("tz", "ZONE TIME", "the time in a zone like `Europe/Berlin`", inZone),
		define("toDate", "LAYOUT TEXT", "the time that a text spells", func(layout, s string) (time.Time, error) { return time.ParseInLocation(layout, env.Bare(s), time.UTC) }),
		define("dateModify", "DURATION TIME", "the time moved by a duration like `-1h30m`", func(by time.Duration, t time.Time) time.Time { return t.Add(by) }),
		define("unixEpoch", "TIME", "its seconds since 1970", func(t time.Time) string { return lib.UnixEpoch(t) }),
		define("since", "TIME", "how long ago it was, like `12m0s`; `since FROM TO`: how long between; no text if there is no time", env.since),
		define("ago", "TIME", "how long ago it was", func(t time.Time) (any, error) { return env.since(t) }),
		define("duration", "SECONDS", "a number of seconds, like `1h2m3s`", lib.Duration),
		define("durationRound", "DURATION", "its greatest part, like `2h`", func(d time.Duration) string { return lib.DurationRound(d) }),
		define("humanizeDuration", "DURATION", "a duration, or a number of seconds, like `1h 2m 3s`", humanize),
	}
}

// date formats the last argument, in the zone before it if there is one; "" if
// there is no time.
func date(layout string, args ...any) (string, error) {
	if len(args) == 0 || len(args) > 2 {
		return "", sandbox.Mismatch("expected a layout, perhaps a zone, and a time")
	}
	t, ok := sandbox.Time(args[len(args)-1])
	if !ok {
		return "", sandbox.Mismatch("expected a time, got %.40q", sandbox.Text(args[len(args)-1]))
	}
	if t.IsZero() {
		return "", nil
	}
	var err error
	if len(args) == 2 {
		t, err = inZone(sandbox.Text(args[0]), t)
	}
	return t.Format(layout), err
}

func inZone(zone string, t time.Time) (time.Time, error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return t, sandbox.Mismatch("%v", err)
	}
	return t.In(location), nil
}

// since returns a duration in whole seconds, nil if there is no time.
func (env Env) since(from time.Time, to ...time.Time) (any, error) {
	end := env.Now()
	switch len(to) {
	case 0:
	case 1:
		end = to[0]
	default:
		return nil, sandbox.Mismatch("expected one time or two")
	}
	if from.IsZero() || end.IsZero() {
		return nil, nil
	}
	return end.Sub(from).Round(time.Second), nil
}

func humanize(value any) (string, error) {
	if value == nil {
		return "", nil
	}
	return templates.HumanizeDuration(value)
}
