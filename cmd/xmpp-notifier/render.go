package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // templates name time zones, and the container image has none

	"github.com/spf13/cobra"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
	"github.com/xmpp-notifier/xmpp-notifier/sink"
)

const renderHelp = `render shows what the messages in the files would look like in the room, without
connecting to anything. - reads the standard input. The settings of formats,
filter and text are those of the environment.`

// maxFile bounds what is read of a file.
const maxFile = 16 << 20

// headers is the flag -H.
type headers []envelope.Header

func (h *headers) String() string { return "" }

// Type names the value in the help.
func (h *headers) Type() string { return "'Name: value'" }

// Set takes one header, as curl does.
func (h *headers) Set(line string) error {
	key, value, found := strings.Cut(line, ":")
	if !found || key == "" {
		return errors.New("write it like 'ce_type: org.example.disk'")
	}
	*h = append(*h, envelope.Header{Key: key, Value: strings.TrimSpace(value)})
	return nil
}

func newRenderCommand() *cobra.Command {
	var header headers
	var program, topic string
	c := &cobra.Command{
		Use: "render FILE...", Short: "show what messages would look like in the room", Long: renderHelp, GroupID: groupTry,
		Example: `  echo '{"severity":"error","subject":"Disk full"}' | xmpp-notifier render -`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage(c, errors.New("name a file, or - for the standard input"))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return showRendered(c, args, header, program, topic) },
	}
	c.Flags().VarP(&header, "header", "H", "header of the message, like those of CloudEvents in binary mode; may be repeated")
	c.Flags().StringVar(&program, "map", "", "file with a jq program, instead of MAP and MAP_FILE")
	c.Flags().StringVar(&topic, "topic", "", "topic or subject of the message")
	return c
}

// showRendered shows what the messages in files would look like.
func showRendered(c *cobra.Command, files []string, header headers, program, topic string) error {
	show, err := newPreview(c.OutOrStdout(), program)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range files {
		body, err := readFile(name, c.InOrStdin())
		if err == nil {
			err = show.message(name, envelope.Raw{Header: header, Body: body, From: envelope.Place{Topic: topic}})
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func readFile(name string, stdin io.Reader) ([]byte, error) {
	if name != "-" {
		file, err := os.Open(name) //nolint:gosec // the operator names the file
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }()
		stdin = file
	}
	body, err := io.ReadAll(io.LimitReader(stdin, maxFile+1))
	if len(body) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d bytes, which no broker would carry", name, maxFile)
	}
	return body, err
}

// preview shows messages as the settings of the environment make them.
type preview struct {
	settings settings
	parts    texts
	out      io.Writer
}

func newPreview(out io.Writer, program string) (*preview, error) {
	p := &preview{out: out}
	if _, errs := config.Load(p.settings.textGroups()...); len(errs) > 0 {
		return nil, wrong(errs)
	}
	if program != "" {
		p.settings.format.Map, p.settings.format.MapFile = "", program
	}
	var err error
	p.parts, err = p.settings.texts(slog.New(slog.NewTextHandler(out, nil)))
	return p, err
}

// message shows one message: how it was recognised, and each of its
// notifications.
func (p *preview) message(name string, raw envelope.Raw) error {
	decoded, err := p.parts.decoder.Decode(raw)
	if decoded.Format != "" {
		fmt.Fprintf(p.out, "%s: format %s: %s\n", name, decoded.Format, decoded.Why)
	}
	if err != nil {
		return fmt.Errorf("%s: does not decode and would go to the dead letters: %w", name, err)
	}
	shown := p.shown(decoded.Envelopes)
	if least := p.settings.text.GroupAbove; least > 0 && len(shown) >= max(least, 2) {
		fmt.Fprintf(p.out, "\n%d notifications in one post, see GROUP_ABOVE\n", len(shown))
		group := envelope.Group(shown)
		p.notification(&group)
		return nil
	}
	for i := range decoded.Envelopes {
		if len(decoded.Envelopes) > 1 {
			fmt.Fprintf(p.out, "\nnotification %d of %d\n", i+1, len(decoded.Envelopes))
		}
		switch e := &decoded.Envelopes[i]; {
		case p.parts.hide(e) != "":
			fmt.Fprintf(p.out, "not shown in the room: %s\n", p.parts.hide(e))
		case e.HasExpired(time.Now()):
			fmt.Fprintln(p.out, "not shown in the room, but counted: expired")
		}
		p.notification(&decoded.Envelopes[i])
	}
	return nil
}

// shown returns those that the filter lets through.
func (p *preview) shown(list []envelope.Envelope) []envelope.Envelope {
	return slices.DeleteFunc(slices.Clone(list), func(e envelope.Envelope) bool {
		return p.parts.hide(&e) != "" || e.HasExpired(time.Now())
	})
}

func (p *preview) notification(e *envelope.Envelope) {
	text := p.parts.renderer.Text(*e)
	fmt.Fprintf(p.out, "\n%s\n\n", text)
	fmt.Fprintln(p.out, sink.Preview("room@conference.example.org", sink.Message{Body: text, Extra: p.parts.renderer.Payload(*e)}, 1<<20))
}
