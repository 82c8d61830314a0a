package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const replayHelp = `replay lists the dead letters, shows them whole, or publishes the originals again
to their topic or subject. They are those of the durable consumer, queue or group in the
settings of the sources.

A dead letter that was sent is marked, and neither listed nor sent again. If its
original is rejected again, the new dead letter replaces it. One that cannot be
sent is reported, and does not stop the others. Nothing is deleted without
--delete. Kafka cannot delete a single message.`

// The words that follow replay.
const (
	verbList = "list"
	verbShow = "show"
	verbSend = "send"
)

func newReplayCommand() *cobra.Command {
	var f deadLetterFilter
	verbs := []string{verbList + "\tone line for each", verbShow + "\teach with headers and body", verbSend + "\tpublish the originals again"}
	c := &cobra.Command{
		Use: "replay [list | show | send]", Short: "list the dead letters, or publish them again", Long: replayHelp, GroupID: groupTry,
		ValidArgs: verbs, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return replay(c, args, &f) },
	}
	flags := c.Flags()
	flags.StringVar(&f.source, "source", "", "only of this source: nats, nats-core or kafka; default: those of SOURCES")
	flags.StringSliceVar(&f.ids, "id", nil, "only these `ids` of the list, comma-separated")
	flags.StringVar(&f.reason, "reason", "", "only with this `reason`: decode, rejected, retries or too_large")
	flags.Var(moment{&f.since}, "since", "only those rejected at this time or later: 2006-01-02T15:04:05Z, or an age like 90m")
	flags.Var(moment{&f.until}, "until", "only those rejected before this time")
	flags.UintVarP(&f.limit, "limit", "l", 0, "at most `n`; 0: all")
	flags.BoolVarP(&f.dryRun, "dry-run", "n", false, "send: list what would be published, and publish nothing")
	flags.BoolVarP(&f.all, "all", "a", false, "also those that were already sent or replaced")
	flags.BoolVar(&f.remove, "delete", false, "send: delete every dead letter whose original the broker has stored")
	completeWith(c, "source", sourceNames()...)
	completeWith(c, "reason", string(sources.ReasonDecode), string(sources.ReasonRejected), string(sources.ReasonRetries), string(sources.ReasonTooLarge))
	return c
}

// replay works with the dead letters.
func replay(c *cobra.Command, args []string, wanted *deadLetterFilter) error {
	verb, err := wanted.verb(args)
	if err != nil {
		return usage(c, err)
	}
	var s settings
	if err := s.loadSources(); err != nil {
		return err
	}
	names := s.general.Sources
	if wanted.source != "" {
		if !slices.Contains(names, wanted.source) {
			return &usageError{fmt.Errorf("--source %q is not in SOURCES=%s", wanted.source, strings.Join(names, ","))}
		}
		names = []string{wanted.source}
	}
	if wanted.remove && slices.Contains(names, sourceKafka) {
		return &usageError{fmt.Errorf("--delete: %w; use --source to leave kafka out", sources.ErrKept)}
	}
	job := &replayJob{filter: *wanted, out: c.OutOrStdout(), progress: c.ErrOrStderr()}
	var errs []error
	for _, name := range names {
		if err := job.source(c.Context(), &s, name, verb); err != nil && !errors.Is(err, errEnough) {
			errs = append(errs, fmt.Errorf("%s %s: %w", verb, name, err))
		}
	}
	job.total(verb)
	if job.failed > 0 {
		errs = append(errs, fmt.Errorf("%d could not be sent, see above", job.failed))
	}
	return errors.Join(errs...)
}

// replayJob is one call of replay.
type replayJob struct {
	filter   deadLetterFilter
	out      io.Writer
	progress io.Writer

	count  uint
	failed uint
	told   time.Time // when progress was last told
}

// errEnough ends a visit at the limit.
var errEnough = errors.New("enough")

// source does the verb with the dead letters of one source.
func (j *replayJob) source(ctx context.Context, s *settings, name, verb string) error {
	from, err := s.kind(name).deadLetters()
	if err != nil {
		return err
	}
	do := map[string]func(*sources.DeadLetter) error{
		verbList: j.list,
		verbShow: j.show,
		verbSend: func(l *sources.DeadLetter) error { return j.trySend(ctx, from, l) },
	}[verb]
	visit := sources.Outstanding
	if j.filter.all {
		visit = sources.Own
	}
	err = visit(ctx, from, func(l *sources.DeadLetter) error {
		if !j.filter.matches(l) {
			return nil
		}
		if j.filter.limit > 0 && j.count+j.failed == j.filter.limit {
			return errEnough
		}
		return do(l)
	})
	return errors.Join(err, from.Close())
}

func (j *replayJob) list(l *sources.DeadLetter) error {
	j.count++
	_, err := fmt.Fprintf(j.out, "%s  %s  %-8s  %s  %s\n", line(l.ID), l.FailedAt().UTC().Format(time.RFC3339),
		line(string(l.Reason())), line(l.Target), line(l.Cause()))
	return err
}

func (j *replayJob) show(l *sources.DeadLetter) error {
	j.count++
	table := tabwriter.NewWriter(j.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "dead letter\t%s\ntarget\t%s\nkey\t%s\n", line(l.ID), line(l.Target), line(string(l.Key)))
	for _, h := range l.Header {
		fmt.Fprintf(table, "%s\t%s\n", line(h.Key), line(h.Value))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(j.out, "\n%s\n\n", printable(string(l.Body)))
	return err
}

// mostFailures is how many failures are told one by one.
const mostFailures = 20

// trySend sends one dead letter, or says why that fails and goes on, unless ctx has
// ended.
func (j *replayJob) trySend(ctx context.Context, from sources.DeadLetters, l *sources.DeadLetter) error {
	if j.filter.dryRun {
		j.count++
		_, err := fmt.Fprintf(j.out, "would publish %s to %s\n", line(l.ID), line(l.Target))
		return err
	}
	err := j.send(ctx, from, l)
	if err == nil {
		j.count++
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if j.failed++; j.failed <= mostFailures {
		fmt.Fprintf(j.progress, "not sent: %s\n", line(err.Error()))
	}
	return nil
}

func (j *replayJob) send(ctx context.Context, from sources.DeadLetters, l *sources.DeadLetter) error {
	if err := from.Republish(ctx, l); err != nil {
		return err
	}
	if err := from.MarkReplayed(ctx, l); err != nil {
		return fmt.Errorf("published again, but the next send will do it again: %w", err)
	}
	if j.filter.remove {
		if err := from.Delete(ctx, l); err != nil {
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
	case verb == verbSend && j.filter.dryRun:
		fmt.Fprintf(j.out, "%d would be published again\n", j.count)
	case verb == verbSend:
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

// deadLetterFilter is which dead letters to work with, and how.
type deadLetterFilter struct {
	source       string
	ids          []string
	reason       string
	since, until time.Time
	limit        uint
	all          bool
	dryRun       bool
	remove       bool
}

func (f *deadLetterFilter) matches(l *sources.DeadLetter) bool {
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

// verb is what to do with the dead letters that the filter lets through.
func (f *deadLetterFilter) verb(args []string) (string, error) {
	verb := verbList
	if len(args) > 0 {
		verb = args[0]
	}
	switch {
	case len(args) > 1:
		return "", fmt.Errorf("unexpected argument %q", args[1])
	case verb != verbList && verb != verbShow && verb != verbSend:
		return "", fmt.Errorf("unknown word %q: use list, show or send", verb)
	case verb != verbSend && (f.dryRun || f.remove):
		return "", errors.New("--dry-run and --delete are for send")
	}
	return verb, nil
}

// moment is a flag with a time, or an age.
type moment struct{ at *time.Time }

func (m moment) String() string { return "" }

// Type names the value in the help.
func (m moment) Type() string { return "time" }

// Set reads a time, or an age.
func (m moment) Set(s string) error {
	if age, err := time.ParseDuration(s); err == nil {
		*m.at = time.Now().Add(-age)
		return nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return errors.New("use a time like 2006-01-02T15:04:05Z or an age like 90m")
	}
	*m.at = at
	return nil
}
