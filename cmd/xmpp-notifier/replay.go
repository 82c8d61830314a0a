package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const replayUsage = `usage: xmpp-notifier replay [list | show | send] [filters] [-dry-run] [-delete]
Lists the dead letters, shows them whole, or publishes the originals again where
they were. Nothing is deleted unless -delete says so, and Kafka cannot.
  -source NAME    of this source only: nats, nats-core or kafka; default: SOURCES
  -id ID[,ID]     these only, as the list names them
  -reason WORD    given up for this reason: decode, rejected or retries
  -since TIME     given up then or later: 2006-01-02T15:04:05Z, or an age like 90m
  -until TIME     given up before
  -limit N        the first N of them
  -dry-run        send: say what would be published, and publish nothing
  -delete         send: delete every letter whose original the broker has stored
A notification that the room has shown is not shown again as long as the room
remembers. The settings are those of the sources`

// replay works with the dead letters.
func replay(ctx context.Context, c call) error {
	verb, wanted, err := parseReplay(c.args, time.Now())
	if err != nil {
		return err
	}
	var s settings
	if err := s.loadSources(); err != nil {
		return err
	}
	names := s.general.Sources
	if wanted.source != "" {
		if !slices.Contains(names, wanted.source) {
			return &usageError{fmt.Errorf("-source %q is not in SOURCES=%s", wanted.source, strings.Join(names, ","))}
		}
		names = []string{wanted.source}
	}
	if wanted.remove && slices.Contains(names, sourceKafka) {
		return &usageError{fmt.Errorf("-delete: %w; use -source to leave kafka out", sources.ErrKept)}
	}
	job := &replayJob{filter: wanted, out: c.stdout, progress: c.stderr}
	for _, name := range names {
		if err := job.source(ctx, &s, name, verb); err != nil && !errors.Is(err, errEnough) {
			return fmt.Errorf("%s after %d: %w", verb, job.count, err)
		}
	}
	job.total(verb)
	return nil
}

// replayJob is one call of replay.
type replayJob struct {
	filter   letterFilter
	out      io.Writer
	progress io.Writer

	count int
	told  time.Time // when progress was last told
}

// errEnough ends a visit at the limit.
var errEnough = errors.New("enough")

// source does the verb with the letters of one source.
func (j *replayJob) source(ctx context.Context, s *settings, name, verb string) error {
	kind := s.kind(name)
	if kind.letters == nil {
		return fmt.Errorf("the dead letters of source %s cannot be replayed", name)
	}
	letters, err := kind.letters()
	if err != nil {
		return err
	}
	do := map[string]func(*sources.DeadLetter) error{
		"list": j.list,
		"show": j.show,
		"send": func(l *sources.DeadLetter) error { return j.send(ctx, letters, l) },
	}[verb]
	err = letters.Each(ctx, func(l *sources.DeadLetter) error {
		if !j.filter.matches(l) {
			return nil
		}
		if j.filter.limit > 0 && j.count == j.filter.limit {
			return errEnough
		}
		if err := do(l); err != nil {
			return err
		}
		j.count++
		return nil
	})
	return errors.Join(err, letters.Close())
}

func (j *replayJob) list(l *sources.DeadLetter) error {
	_, err := fmt.Fprintf(j.out, "%s  %s  %-8s  %s  %s\n", line(l.ID), l.FailedAt().UTC().Format(time.RFC3339),
		line(string(l.Reason())), line(l.Target), line(l.Cause()))
	return err
}

func (j *replayJob) show(l *sources.DeadLetter) error {
	table := tabwriter.NewWriter(j.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "letter\t%s\ntarget\t%s\nkey\t%s\n", line(l.ID), line(l.Target), line(string(l.Key)))
	for _, h := range l.Header {
		fmt.Fprintf(table, "%s\t%s\n", line(h.Key), line(h.Value))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(j.out, "\n%s\n\n", printable(string(l.Body)))
	return err
}

func (j *replayJob) send(ctx context.Context, letters sources.Letters, l *sources.DeadLetter) error {
	if j.filter.dryRun {
		_, err := fmt.Fprintf(j.out, "would publish %s to %s\n", line(l.ID), line(l.Target))
		return err
	}
	if err := letters.Republish(ctx, l); err != nil {
		return err
	}
	if j.filter.remove {
		if err := letters.Delete(ctx, l); err != nil {
			return fmt.Errorf("published again, but kept: %w", err)
		}
	}
	if time.Since(j.told) > time.Second {
		j.told = time.Now()
		fmt.Fprintf(j.progress, "published %d, now %s\n", j.count+1, line(l.ID))
	}
	return nil
}

// total ends the output of a job.
func (j *replayJob) total(verb string) {
	switch {
	case verb == "send" && j.filter.dryRun:
		fmt.Fprintf(j.out, "%d would be published again\n", j.count)
	case verb == "send":
		fmt.Fprintf(j.out, "%d published again\n", j.count)
	default:
		fmt.Fprintf(j.out, "%d dead letters\n", j.count)
	}
}

// printable makes text from strangers harmless to a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || strconv.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, s)
}

// line makes text from strangers harmless to a line of a table.
func line(s string) string { return strings.NewReplacer("\n", " ", "\t", " ").Replace(printable(s)) }

// letterFilter is which letters to work with, and how.
type letterFilter struct {
	source       string
	ids          []string
	reason       string
	since, until time.Time
	limit        int
	dryRun       bool
	remove       bool
}

func (f *letterFilter) matches(l *sources.DeadLetter) bool {
	at := l.FailedAt()
	switch {
	case len(f.ids) > 0 && !slices.Contains(f.ids, l.ID):
	case f.reason != "" && f.reason != string(l.Reason()):
	case !f.since.IsZero() && at.Before(f.since):
	case !f.until.IsZero() && !at.Before(f.until):
	default:
		return true
	}
	return false
}

// parseReplay reads the command line.
func parseReplay(args []string, now time.Time) (verb string, f letterFilter, err error) {
	verb = "list"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		verb, args = args[0], args[1:]
	}
	flags := flag.NewFlagSet("replay", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&f.source, "source", "", "")
	flags.StringVar(&f.reason, "reason", "", "")
	flags.IntVar(&f.limit, "limit", 0, "")
	flags.BoolVar(&f.dryRun, "dry-run", false, "")
	flags.BoolVar(&f.remove, "delete", false, "")
	flags.Func("id", "", func(s string) error { f.ids = append(f.ids, strings.Split(s, ",")...); return nil })
	flags.Func("since", "", func(s string) (err error) { f.since, err = moment(s, now); return err })
	flags.Func("until", "", func(s string) (err error) { f.until, err = moment(s, now); return err })
	err = flags.Parse(args)
	switch {
	case err != nil:
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case verb != "list" && verb != "show" && verb != "send":
		err = fmt.Errorf("unknown word %q: use list, show or send", verb)
	case verb != "send" && (f.dryRun || f.remove):
		err = errors.New("-dry-run and -delete are for send")
	case f.limit < 0:
		err = fmt.Errorf("-limit %d: use 0 for all, or more", f.limit)
	}
	if err != nil {
		return "", f, &usageError{fmt.Errorf("replay: %w\n%s", err, replayUsage)}
	}
	return verb, f, nil
}

// moment reads a time, or an age.
func moment(s string, now time.Time) (time.Time, error) {
	if age, err := time.ParseDuration(s); err == nil {
		return now.Add(-age), nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return at, errors.New("use a time like 2006-01-02T15:04:05Z or an age like 90m")
	}
	return at, nil
}
