package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const sendHelp = `send posts one notification into the room without a broker, and waits until the room
has shown it: only then is the exit code 0. With - it reads the notification from the
standard input, in any format that the worker reads. The settings are those of the
XMPP account and the room.`

// sendOptions are the flags of send.
type sendOptions struct {
	subject, message, severity, source, id string

	timeout time.Duration
}

func newSendCommand() *cobra.Command {
	var o sendOptions
	c := &cobra.Command{
		Use: "send {--subject TITLE | -}", Short: "post one notification into the room, and wait until it is shown", Long: sendHelp, GroupID: groupTry,
		Example: "  xmpp-notifier send --severity warning --subject 'Disk almost full' --message '94 % of /var'",
		Args:    cobra.ArbitraryArgs,
		RunE:    func(c *cobra.Command, args []string) error { return send(c, args, &o) },
	}
	flags := c.Flags()
	flags.StringVarP(&o.subject, "subject", "s", "", "title of the notification")
	flags.StringVarP(&o.message, "message", "m", "", "`text` of the notification")
	flags.StringVar(&o.severity, "severity", "", "severity, a `word` like info, warning, error or critical")
	flags.StringVar(&o.source, "source", "", "the `service` that sends it")
	flags.StringVar(&o.id, "id", "", "id of the notification: the same id of the same source is not posted again")
	flags.DurationVarP(&o.timeout, "timeout", "t", 30*time.Second, "how long to wait until the room has shown it")
	return c
}

// send posts one notification into the room.
func send(c *cobra.Command, args []string, o *sendOptions) error {
	raw, err := o.notification(c, args)
	if err != nil {
		return err
	}
	var s settings
	groups := append(s.textGroups(), config.Group{Title: "XMPP account and room", Spec: &s.room})
	if _, errs := config.Load(groups...); len(errs) > 0 {
		return wrong(errs)
	}
	log := terminalLog(c)
	parts, err := s.texts(log)
	if err != nil {
		return err
	}
	decoded, err := parts.decoder.Decode(raw)
	if err != nil {
		return &usageError{fmt.Errorf("the notification does not decode: %w", err)}
	}
	room, err := sink.New(s.room, log)
	if err != nil {
		return &usageError{err}
	}
	ctx, cancel := context.WithTimeoutCause(c.Context(), o.timeout, fmt.Errorf("the room has not shown it within %s", o.timeout))
	defer cancel()
	return inRoom(ctx, room, func(ctx context.Context) error {
		for i := range decoded.Envelopes {
			if err := post(ctx, room, &parts, &decoded.Envelopes[i], c.OutOrStdout()); err != nil {
				return err
			}
		}
		return nil
	})
}

// inRoom joins the room, does what is to be done there, and leaves. It gives up
// at once where somebody must change something first.
func inRoom(ctx context.Context, room *sink.Room, do func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	room.Observe(func(e sink.Event) {
		if err, ok := errors.AsType[*sink.Error](e.Err); ok && err.Lasting {
			fail(err)
		}
	})
	joined, leave := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(joined) }) // returns nil
	defer running.Wait()
	defer leave()
	if err := room.Joined(ctx); err != nil {
		return fmt.Errorf("post to %s: %w", room, context.Cause(ctx))
	}
	return do(ctx)
}

// notification is what the flags describe, or what the standard input has.
func (o *sendOptions) notification(c *cobra.Command, args []string) (envelope.Raw, error) {
	switch described := o.subject != "" || o.message != ""; {
	case len(args) > 1 || len(args) == 1 && args[0] != "-":
		return envelope.Raw{}, usage(c, fmt.Errorf("unexpected argument %q: give the text with --subject and --message", args[0]))
	case len(args) == 1 && (described || o.severity != "" || o.source != "" || o.id != ""):
		return envelope.Raw{}, usage(c, errors.New("- and the flags that describe a notification exclude each other"))
	case len(args) == 1:
		body, err := readFile("-", c.InOrStdin())
		return envelope.Raw{Body: body}, err
	case !described:
		return envelope.Raw{}, usage(c, errors.New("give --subject, or - and the notification on the standard input"))
	}
	body, err := json.Marshal(map[string]string{
		"subject": o.subject, "message": o.message, "severity": o.severity, "source": o.source, "id": o.id,
	})
	return envelope.Raw{Body: body}, err
}

// terminalLog shows warnings to whoever calls a command, or everything with -v.
func terminalLog(c *cobra.Command) *slog.Logger {
	level := slog.LevelWarn
	if verbose(c) {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(c.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
}

// post posts e and waits until the room has shown it.
func post(ctx context.Context, room *sink.Room, parts *texts, e *envelope.Envelope, stdout io.Writer) error {
	begin := time.Now()
	done := make(chan sink.Result, 1)
	m := sink.Message{
		Identity: sources.Identity(e), Body: parts.renderer.Text(*e), Extra: parts.renderer.Payload(*e),
		Done: func(r sink.Result) { done <- r },
	}
	if err := room.Submit(ctx, m); err != nil {
		return fmt.Errorf("post to %s: %w", room, err)
	}
	select {
	case r := <-done:
		return report(r, room, time.Since(begin), stdout)
	case <-ctx.Done():
		return fmt.Errorf("post to %s: %w", room, context.Cause(ctx))
	}
}

// report says what became of the notification.
func report(r sink.Result, room *sink.Room, took time.Duration, stdout io.Writer) error {
	switch r.Outcome {
	case sink.Delivered:
		fmt.Fprintf(stdout, "shown in %s after %s\n", room, max(took.Round(time.Millisecond), time.Millisecond))
		return nil
	case sink.Suppressed:
		fmt.Fprintf(stdout, "%s has shown this id before; not posted again\n", room)
		return nil
	default:
		return fmt.Errorf("%s did not show it: %w", room, r.Err)
	}
}
