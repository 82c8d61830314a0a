package main

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// output is a terminal that calls on for everything that is written.
type output struct {
	on func(text string)

	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	if o.on != nil {
		o.on(string(p))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// play runs the demo and returns what it wrote, and its exit code.
func play(ctx context.Context, t *testing.T, on func(string), args ...string) (string, int) {
	t.Helper()
	stdout, stderr := &output{on: on}, &bytes.Buffer{}
	code := execute(ctx, args, stdout, stderr)
	t.Log(stdout.text.String(), stderr.String())
	return stdout.text.String(), code
}

// count returns a number of the summary.
func count(t *testing.T, text, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` +(\d+)  `).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("the summary does not tell %q", name)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestStory(t *testing.T) {
	began := time.Now()
	text, code := play(t.Context(), t, nil, "--duration", "3s")
	if code != exitOK {
		t.Error("exit code", code)
	}
	if took := time.Since(began); took < 2*time.Second || took > patience {
		t.Errorf("took %v", took)
	}
	published := count(t, text, "published")
	if published < burst+4 {
		t.Errorf("published %d", published)
	}
	for name, want := range map[string]int{
		"shown": published - 1, "dead letters": 1, "acknowledged": published,
		"lost": 0, "repeated": 0, "too early": 0,
	} {
		if got := count(t, text, name); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
	checkOrder(t, text,
		"publish  #1 ", "room     notifier | ", "ack      up to ",
		"2. ", "dead     letter", "reason: not JSON at byte",
		"3. ", "* notifier has lost the connection", "* notifier is back",
		"4. ", "5. ", "* notifier has left", "Summary")
	checkAcknowledged(t, text)
	checkPlain(t, text)
}

// checkAcknowledged checks that the first chapter, of as many notifications as
// the machine is fast, ends when all of them are acknowledged.
func checkAcknowledged(t *testing.T, text string) {
	t.Helper()
	first, _, _ := strings.Cut(text, "2. ")
	acks := regexp.MustCompile(`ack      up to (\d+) of (\d+)\n`).FindAllStringSubmatch(first, -1)
	if len(acks) == 0 {
		t.Fatal("nothing is acknowledged in the first chapter")
	}
	if last := acks[len(acks)-1]; last[1] != last[2] || last[1] != strconv.Itoa(strings.Count(first, "publish  #")) {
		t.Errorf("the first chapter ends with %q", last[0])
	}
}

// checkOrder checks that marks appear one after the other.
func checkOrder(t *testing.T, text string, marks ...string) {
	t.Helper()
	for _, mark := range marks {
		_, rest, found := strings.Cut(text, mark)
		if !found {
			t.Fatalf("no %q in\n%s", mark, text)
		}
		text = rest
	}
}

// checkPlain checks that text suits a file and a narrow terminal.
func checkPlain(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "\x1b") {
		t.Error("colours without a terminal")
	}
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimSuffix(line, "\n")) > columns {
			t.Errorf("too long: %q", line)
		}
	}
}

// Ctrl-C at any time ends the demo soon, and what was published is still
// accounted for.
func TestInterrupt(t *testing.T) {
	for name, mark := range map[string]string{
		"at the start":  "broker ",
		"in traffic":    "ack      up to 2",
		"in the outage": "lost the connection",
	} {
		t.Run(name, func(t *testing.T) {
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			var began time.Time
			duration := "1h"
			if name == "in the outage" {
				duration = "2s"
			}
			text, code := play(ctx, t, func(text string) {
				if strings.Contains(text, mark) && began.IsZero() {
					began = time.Now()
					interrupt()
				}
			}, "--duration", duration)
			if took := time.Since(began); took > patience {
				t.Errorf("ended after %v", took)
			}
			if code != exitOK || count(t, text, "acknowledged") != count(t, text, "published") || count(t, text, "lost") != 0 {
				t.Error("exit code", code)
			}
		})
	}
}

func TestVerbose(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	text, _ := play(ctx, t, func(text string) {
		if strings.Contains(text, "ack ") {
			interrupt()
		}
	}, "-v")
	checkOrder(t, text, "log      level=INFO msg=started", "publish", "msg=stopped")
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args, says string
		code       int
	}{
		{"--duration 0s", "--duration 0s is too short", exitUsage},
		{"--duration soon", "invalid argument", exitUsage},
		{"fast", `unexpected argument "fast"`, exitUsage},
		{"-h", "--duration time", exitOK},
	} {
		var stdout, stderr bytes.Buffer
		code := execute(t.Context(), strings.Fields(c.args), &stdout, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.says) || stdout.Len() > 0 {
			t.Errorf("demo %s: exit code %d, %s%s", c.args, code, stderr.String(), stdout.String())
		}
	}
}
