//go:build real && linux

package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// job is what a bare sender or consumer does, in a process of its own, so that what
// it uses can be told from what the observer and we use.
type job struct {
	Server *testbed.XMPP     // to post to; nil to consume
	Env    map[string]string // to consume: the worker's settings for JetStream
	Body   string
	N      int
}

// asChild is the environment variable that turns this program into one.
const asChild = "BENCH_CHILD"

func TestMain(m *testing.M) {
	text := os.Getenv(asChild)
	if text == "" {
		os.Exit(m.Run())
	}
	var j job
	err := json.Unmarshal([]byte(text), &j)
	if err == nil {
		err = j.run(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bare starts a job, and returns what waits for its end and says the CPU time of each
// message, in µs.
func (b *bed) bare(j job) (used func() float64) {
	b.Helper()
	text, err := json.Marshal(j)
	must(b, err)
	cmd := exec.CommandContext(b.Context(), os.Args[0]) //nolint:gosec // it is us
	cmd.Env = append(os.Environ(), asChild+"="+string(text))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	must(b, cmd.Start())
	return func() (micros float64) {
		must(b, cmd.Wait())
		_, err := fmt.Sscan(out.String(), &micros)
		must(b, err)
		return micros
	}
}

// run does the job, and prints the CPU time of all messages but the first fifth,
// which belongs to the start.
func (j job) run(ctx context.Context) error {
	begin := consume
	if j.Server != nil {
		begin = send
	}
	next, err := begin(ctx, j)
	if err != nil {
		return err
	}
	done, measured := 0, 0
	began := ownCPU()
	for done < j.N {
		n, err := next()
		if err != nil {
			return fmt.Errorf("after %d messages: %w", done, err)
		}
		if done += n; measured == 0 && done >= j.N/5 {
			began, measured = ownCPU(), done
		}
	}
	_, err = fmt.Println(float64((ownCPU() - began).Microseconds()) / float64(max(1, done-measured)))
	return err
}

// consume receives and acknowledges what a stream has.
func consume(ctx context.Context, j job) (func() (int, error), error) {
	conn, err := nats.Connect(j.Env["NATS_URL"])
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	consumer, err := js.CreateConsumer(ctx, j.Env["NATS_STREAM"], jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 2 * inFlight})
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(2 * inFlight))
	return func() (int, error) {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return 0, err
		}
		return 1, m.Ack()
	}, err
}

// send posts stanzas that are ready, with never more in flight than the worker
// has: as many echoes as a read brings, as many messages the next write sends.
func send(ctx context.Context, j job) (func() (int, error), error) {
	c, err := join(ctx, j.Server, "notifier", "bare")
	if err != nil {
		return nil, err
	}
	s := &sender{client: c, size: len(stanza(j.Server, 0, j.Body)), ids: ids()}
	for i := range j.N {
		s.text = append(s.text, stanza(j.Server, i, j.Body)...)
	}
	ahead, _ := c.read.Peek(c.read.Buffered()) // never more than there is
	s.echoes = xml.NewDecoder(bufio.NewReaderSize(io.MultiReader(bytes.NewReader(ahead), s), 64<<10))
	return s.echo, s.post(inFlight)
}

// sender is who posts.
type sender struct {
	*client
	size   int    // of a stanza
	ids    string // what its id begins with
	text   []byte
	echoes *xml.Decoder
	shown  int // after the last write
}

// post writes the next n stanzas, if there are as many.
func (s *sender) post(n int) error {
	n = min(n*s.size, len(s.text))
	_, err := s.conn.Write(s.text[:n])
	s.text = s.text[n:]
	return err
}

// echo reads until one of our messages has been shown, known by its id, as every client
// must. The XML is read by the standard library, without regard to namespaces.
func (s *sender) echo() (int, error) {
	for {
		token, err := s.echoes.RawToken()
		if err != nil {
			return 0, err
		}
		if e, begins := token.(xml.StartElement); begins && e.Name.Local == "message" && slices.ContainsFunc(e.Attr, s.isOurs) {
			s.shown++
			return 1, nil
		}
	}
}

// isOurs reports whether an attribute of a message is an id of ours.
func (s *sender) isOurs(a xml.Attr) bool {
	return a.Name.Local == "id" && strings.HasPrefix(a.Value, s.ids)
}

// Read reads for the decoder, which has read all that came before.
func (s *sender) Read(p []byte) (int, error) {
	if s.shown > 0 {
		if err := s.post(s.shown); err != nil {
			return 0, err
		}
		s.shown = 0
	}
	return s.conn.Read(p)
}

func stanza(x *testbed.XMPP, i int, body string) string {
	return fmt.Sprintf("<message to='%s' type='groupchat' id='%s%019d'><body>%s</body></message>", roomOf(x), ids(), i, body)
}

// ids is what the ids begin with that this process makes.
func ids() string { return fmt.Sprintf("%08d-", os.Getpid()) }
