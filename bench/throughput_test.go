//go:build real && linux

package bench_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// The contestants of most parts.
const (
	bareInTurn  = "bare sender"
	bareBeside  = "bare sender with a writer"
	sinkAlone   = "sink alone"
	jetstreamed = "worker from JetStream"
	kafkaed     = "worker from Kafka"
	briskly     = "worker from Kafka, linger 0"
)

// recalled is how many messages the room keeps, where it is not the default.
const recalled = 200

func contestants() []contestant {
	return []contestant{entrant(bareInTurn, bare), entrant(bareBeside, bareAside), entrant(sinkAlone, viaSink), entrant(jetstreamed, viaNATS), entrant(kafkaed, viaKafka)}
}

// forgetful are those to compare in a room that keeps no more than a window.
func forgetful() []contestant {
	return []contestant{entrant(bareInTurn, bare), entrant(bareBeside, bareAside), entrant(kafkaed, viaKafka), entrant(briskly, viaBrisk)}
}

func entrant(name string, k kind) contestant {
	const n = 6000
	return contestant{name, k, window, n, n / 10}
}

// throughput is how fast a backlog gets into the room.
func throughput(b *bed) string {
	b.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, `The ceiling is the faster one of two bare senders. Both write stanzas that are ready; one writes as many as each
read brings echoes, the other writes what the window allows while it reads.

A notification is in doubt from when it is sent until its acknowledgement is durable, and no more may be in doubt than
the room can tell a worker that takes the place of one that was killed. On Kafka that ends with a commit, which takes some
6 ms and more, since version 4.0 because Kafka lets commits linger (group.coordinator.append.linger.ms=5), and one is
made at a time. In a room that keeps %d messages, as "xmpp-notifier setup" asks for, or has an archive, this is no
limit. In one that keeps %d, the default of most servers, a window goes round about 80 times per second,
whatever the room could do. "Linger 0" is a broker with that setting at 0.
`, recalled, window)
	for _, p := range products() {
		rounds := b.race(p, recalled, contestants())
		text.WriteString(throughputOn(p.name, rounds, contestants()))
	}
	for _, p := range products() {
		rounds := b.race(p, window, forgetful())
		text.WriteString(throughputOn(fmt.Sprintf("%s, room that keeps %d", p.name, window), rounds, forgetful()))
	}
	return text.String()
}

// race has all take turns in a room that keeps so many messages.
func (b *bed) race(p product, history int, all []contestant) []round {
	b.Helper()
	s := b.serve(p, testbed.Options{HistorySize: history})
	body := b.rendered(s)
	var rounds []round
	for i := range b.rounds {
		rounds = append(rounds, b.turns(s, all, body, i))
	}
	must(b, s.Kill())
	return rounds
}

func throughputOn(title string, rounds []round, all []contestant) string {
	ceiling := fastest(rounds, bareInTurn, bareBeside)
	t := newTable(title, "per second", "÷ ceiling", "CPU µs each", "server's CPU µs each", "allocations each", "peak memory MB")
	var kept promises
	for _, c := range all {
		allocations, memory := "", ""
		if c.kind == viaSink {
			allocations = fmt.Sprintf("%.1f", of(rounds, c.name, mallocs).median)
		}
		if c.kind >= viaNATS {
			memory = fmt.Sprintf("%.0f", of(rounds, c.name, rss).median)
		}
		share := ratio(rounds, c.name, ceiling)
		t.row(c.name, of(rounds, c.name, rate).whole(), share.String(),
			fmt.Sprintf("%.1f", of(rounds, c.name, used).median), fmt.Sprintf("%.0f", of(rounds, c.name, serverCPU).median), allocations, memory)
		if c.kind >= viaSink {
			kept.atLeast(0.95, title+", "+c.name+" ÷ ceiling", share.median)
		}
	}
	if strings.HasPrefix(title, "Prosody") {
		thrifty(&kept, title, rounds, all)
	}
	return "\n" + t.text + "\n" + kept.text
}

// thrifty holds what is ours to the CPU time and the allocations promised.
func thrifty(kept *promises, title string, rounds []round, all []contestant) {
	for _, c := range all {
		switch {
		case c.kind == viaSink:
			kept.atMost(4, "allocations", title+", "+c.name, of(rounds, c.name, mallocs).median)
			kept.atMost(15, "µs CPU", title+", "+c.name, of(rounds, c.name, used).median)
		case c.kind > viaSink:
			kept.atMost(40, "µs CPU", title+", "+c.name, of(rounds, c.name, used).median)
		}
	}
}

// windows compares the sink with the bare senders by window.
func windows(b *bed) string {
	b.Helper()
	var text strings.Builder
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		body := b.rendered(s)
		var rounds []round
		for i := range max(1, b.rounds*3/5) {
			rounds = append(rounds, b.turns(s, sweep(), body, i))
		}
		must(b, s.Kill())
		t := newTable(p.name+", window", "bare/s", "bare with a writer/s", "sink/s", "sink ÷ ceiling", "bare CPU µs", "sink CPU µs")
		for _, w := range sweepWindows() {
			bare, aside, sink := fmt.Sprint("bare ", w), fmt.Sprint("aside ", w), fmt.Sprint("sink ", w)
			t.row(strconv.Itoa(w), of(rounds, bare, rate).whole(), of(rounds, aside, rate).whole(), of(rounds, sink, rate).whole(),
				ratio(rounds, sink, fastest(rounds, bare, aside)).String(),
				fmt.Sprintf("%.1f", of(rounds, bare, used).median), fmt.Sprintf("%.1f", of(rounds, sink, used).median))
		}
		text.WriteString(t.text + "\n")
	}
	return strings.TrimSuffix(text.String(), "\n")
}

func sweep() []contestant {
	var all []contestant
	for _, w := range sweepWindows() {
		n := 3000
		if w == 1 {
			n = 1200
		}
		all = append(all, contestant{"bare " + strconv.Itoa(w), bare, w, n, n / 10}, contestant{"aside " + strconv.Itoa(w), bareAside, w, n, n / 10},
			contestant{"sink " + strconv.Itoa(w), viaSink, w, n, n / 10})
	}
	return all
}

func sweepWindows() []int { return []int{1, 8, 20, 32, 128} }
