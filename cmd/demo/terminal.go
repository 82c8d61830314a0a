package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/xmpp-notifier/xmpp-notifier/internal/cut"
)

// The terminal is taken to have 80 columns; the last one stays empty.
const (
	columns    = 79
	labelWidth = 9
)

// style is a colour for those who want one.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// screen writes whole lines, in the order in which things happen, from
// several goroutines.
type screen struct {
	colours bool

	mu       sync.Mutex
	w        io.Writer
	chapters int
}

func newScreen(w io.Writer) *screen { return &screen{w: w, colours: wantsColours(w)} }

// wantsColours reports whether w is a terminal whose user has nothing against
// colours (https://no-color.org).
func wantsColours(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (s *screen) paint(c style, text string) string {
	if !s.colours || c == plain || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func (s *screen) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.w, text) // who closed the terminal has seen enough
}

func (s *screen) title(text string) { s.print("\n" + s.paint(bold, text) + "\n") }

// chapter is a numbered title. Only the goroutine that tells the story calls it.
func (s *screen) chapter(text string) {
	s.chapters++
	s.title(fmt.Sprintf("%d. %s", s.chapters, text))
}

// line writes text next to a label.
func (s *screen) line(c style, label, text string) {
	padded := s.paint(c, label) + strings.Repeat(" ", labelWidth-len(label))
	indent := "\n" + strings.Repeat(" ", labelWidth)
	s.print(padded + strings.Join(cut.Wrap(text, columns-labelWidth), indent) + "\n")
}

// row writes a line of the summary.
func (s *screen) row(good bool, text, note string) {
	c := green
	if !good {
		c = red
	}
	s.print(s.paint(c, text) + "  " + s.paint(dim, note) + "\n")
}

// post writes what somebody says in the room, as people see it.
func (s *screen) post(nick, body string) {
	lines := cut.Wrap(body, columns-labelWidth-len(nick)-len(" | "))
	for i, line := range lines {
		if i > 0 {
			nick = strings.Repeat(" ", len(nick))
		}
		lines[i] = nick + " | " + line
	}
	s.line(bold, "room", strings.Join(lines, "\n"))
}

// logger writes a log between the other lines.
func (s *screen) logger() *slog.Logger {
	withoutTime := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}
	return slog.New(slog.NewTextHandler(logWriter{s}, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
}

// logWriter gets one record per call.
type logWriter struct{ *screen }

func (w logWriter) Write(record []byte) (int, error) {
	w.line(dim, "log", string(bytes.TrimSpace(record)))
	return len(record), nil
}
