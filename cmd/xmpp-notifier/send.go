package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

const sendUsage = `usage: xmpp-notifier send [-timeout 30s] -subject TITLE [-message TEXT]
         [-severity WORD] [-source SERVICE] [-id ID]
       xmpp-notifier send [-timeout 30s] -
Posts one notification straight into the room, past every broker, and waits
until the room has shown it: only then is the exit code 0. With - it reads the
notification from the standard input, in any format that the worker reads.
The settings are those of the XMPP account and the room`

// send posts one notification into the room.
func send(ctx context.Context, c call) error {
	raw, limit, err := parseSend(c.args, c.stdin)
	if err != nil {
		return err
	}
	var s settings
	groups := append(s.textGroups(), config.Group{Title: "XMPP account and room", Spec: &s.room})
	if _, errs := config.Load(groups...); len(errs) > 0 {
		return wrong(errs)
	}
	log := slog.New(slog.NewTextHandler(c.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
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
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("the room has not shown it within %s", limit))
	defer cancel()
	return inRoom(ctx, room, func(ctx context.Context) error {
		for i := range decoded.Envelopes {
			if err := post(ctx, room, &parts, &decoded.Envelopes[i], c.stdout); err != nil {
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
	stay, leave := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { _ = room.Run(stay) }) // returns nil
	defer running.Wait()
	defer leave()
	if err := room.Joined(ctx); err != nil {
		return fmt.Errorf("join %s: %w", room, context.Cause(ctx))
	}
	return do(ctx)
}

// parseSend returns the notification that args describe, and how long to wait.
func parseSend(args []string, stdin io.Reader) (envelope.Raw, time.Duration, error) {
	members := map[string]*string{}
	flags := flag.NewFlagSet("send", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	limit := flags.Duration("timeout", 30*time.Second, "")
	for _, name := range []string{"subject", "message", "severity", "source", "id"} {
		members[name] = flags.String(name, "", "")
	}
	if err := flags.Parse(args); err != nil {
		return envelope.Raw{}, 0, &usageError{errors.Join(err, errors.New(sendUsage))}
	}
	if flags.NArg() == 1 && flags.Arg(0) == "-" && flags.NFlag() <= 1 {
		body, err := io.ReadAll(io.LimitReader(stdin, maxFile))
		return envelope.Raw{Body: body}, *limit, err
	}
	if flags.NArg() > 0 || *members["subject"] == "" && *members["message"] == "" {
		return envelope.Raw{}, 0, &usageError{errors.New(sendUsage)}
	}
	body, err := json.Marshal(members)
	return envelope.Raw{Body: body}, *limit, err
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
		fmt.Fprintf(stdout, "shown in %s after %s\n", room, took.Round(time.Millisecond))
		return nil
	case sink.Suppressed:
		fmt.Fprintf(stdout, "%s has shown this id before; not posted again\n", room)
		return nil
	default:
		return fmt.Errorf("%s did not show it: %w", room, r.Err)
	}
}
