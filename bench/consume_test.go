//go:build real && linux

package bench_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
	"github.com/xmpp-notifier/xmpp-notifier/sources/sourcetest"
)

const (
	// consumeBatch is how many messages a reader of a broker asks for, and has
	// unacknowledged, at most.
	consumeBatch = 256
	consumeN     = 60_000
)

// consume compares the sources, with a room that takes everything at once,
// with the client libraries under the same discipline: every message is
// decoded and acknowledged, and at the end it is certain that the broker has
// all acknowledgements.
func consume(b *bed) string {
	b.Helper()
	t := newTable("", "per second", "÷ bare client", "CPU µs each", "allocations each")
	var kept promises
	for _, from := range []struct {
		name       string
		broker     func() broker
		ours       kind
		bare, also kind
	}{
		{"JetStream", func() broker { return b.nats() }, drainNATS, fetchNATS, iterateNATS},
		{"Kafka", func() broker { return b.kafka() }, drainKafka, readKafka, readKafka},
	} {
		contest := []contestant{{name: "source", kind: from.ours}, {name: "bare client", kind: from.bare}}
		if from.also != from.bare {
			contest = append(contest, contestant{name: "bare client, reading ahead", kind: from.also})
		}
		bind(b, from.broker().process(), limitCore)
		env, err := from.broker().fill(b.Context(), b.name("consume"), fewer(consumeN))
		must(b, err)
		var rounds []round
		for i := range b.rounds {
			rounds = append(rounds, b.consumeTurns(env, contest, i))
		}
		bind(b, from.broker().process(), otherCores())
		for _, c := range contest {
			r := ratio(rounds, c.name, "bare client", rate)
			t.row(from.name+", "+c.name, of(rounds, c.name, rate).whole(), r.String(),
				fmt.Sprintf("%.1f", of(rounds, c.name, used).median), fmt.Sprintf("%.1f", of(rounds, c.name, mallocs).median))
			if c.kind == from.ours {
				kept.atLeast(0.9, from.name+", source ÷ bare client", r.median)
			}
		}
	}
	return fmt.Sprintf("A backlog of %d notifications is read with a room that takes everything at once, by the source and by a loop around the\n"+
		"client library with the same discipline: at most %d messages at a time, each one decoded and acknowledged, and in the\n"+
		"end the broker has all acknowledgements for certain. On JetStream the bare client fetches, acknowledges and flushes batch\n"+
		"by batch; the one that reads ahead makes sure of the acknowledgements at the very end alone; on Kafka it commits without pause what has been read so far.\n\n", fewer(consumeN), consumeBatch) + t.text + "\n" + kept.text
}

func (b *bed) consumeTurns(env map[string]string, all []contestant, number int) round {
	b.Helper()
	figures := round{}
	for i := range all {
		c := all[(i+number)%len(all)]
		child, err := spawn(b.Context(), job{Broker: env, Run: b.name("drain"), N: fewer(consumeN), Way: c.kind})
		must(b, err)
		r, err := child.end()
		must(b, err)
		f := figure{Rate: float64(fewer(consumeN)) / r.Seconds, CPU: r.CPU, report: r}
		b.Logf("%-28s %6.0f/s, CPU %5.1f µs, %4.1f allocations", c.name, f.Rate, f.CPU, f.Mallocs)
		figures[c.name] = f
	}
	return figures
}

// drain receives and acknowledges all messages of the job, and waits until all
// that is durable. start is called at the first.
func (j job) drain(s sources.Source, start func()) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var durable sync.WaitGroup
	durable.Add(j.N)
	done := durable.Done // one for all: it is not the source's to allocate
	for left := j.N; left > 0; {
		batch, err := sourcetest.Receive(ctx, s, min(left, consumeBatch))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // Kafka may have to get ready first
			<-time.After(10 * time.Millisecond)
			continue
		case left == j.N:
			start()
		}
		for _, d := range batch {
			if err := d.Ack(done); err != nil {
				return err
			}
		}
		left -= len(batch)
	}
	durable.Wait()
	return nil
}

func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// ownCPU is what this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
