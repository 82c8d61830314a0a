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

func contestants(n int) []contestant {
	return []contestant{
		{bareInTurn, bare, window, n, n / 10},
		{bareBeside, bareAside, window, n, n / 10},
		{sinkAlone, viaSink, window, n, n / 10},
		{jetstreamed, viaNATS, window, n, n / 10},
		{kafkaed, viaKafka, window, n, n / 10},
		{briskly, viaBrisk, window, n, n / 10},
	}
}

// throughput is how fast a backlog gets into the room.
func throughput(b *bed) string {
	b.Helper()
	var text strings.Builder
	text.WriteString(`The ceiling is the faster one of two bare senders. Both write stanzas that are ready; one writes as many as each
read brings echoes, the other writes what the window allows while it reads.

From Kafka it is the broker's commits that set the limit. A notification is in doubt from when it is sent until its offset
is committed, and no more may be in doubt than the room's history can tell after a crash, which is the window. Since
version 4.0 Kafka lets commits linger for 5 ms (group.coordinator.append.linger.ms), and takes one at a time. So a window
of 20 goes round about 80 times per second, whatever the room could do. "Linger 0" is a broker with that setting at 0. A
room with a longer history allows a greater XMPP_WINDOW, which helps as well.
`)
	for _, p := range products() {
		s := b.serve(p, testbed.Options{})
		body := b.rendered(s)
		var rounds []round
		for i := range b.rounds {
			rounds = append(rounds, b.turns(s, contestants(6000), body, i))
		}
		must(b, s.Kill())
		text.WriteString(throughputOn(p, rounds))
	}
	return text.String()
}

func throughputOn(p product, rounds []round) string {
	ceiling := fastest(rounds, bareInTurn, bareBeside)
	t := newTable(p.name, "per second", "÷ ceiling", "CPU µs each", "server's CPU µs each", "allocations each", "peak memory MB")
	for _, c := range contestants(0) {
		allocations, memory := "", ""
		if c.kind == viaSink {
			allocations = fmt.Sprintf("%.1f", of(rounds, c.name, mallocs).median)
		}
		if c.kind >= viaNATS {
			memory = fmt.Sprintf("%.0f", of(rounds, c.name, rss).median)
		}
		t.row(c.name, of(rounds, c.name, rate).whole(), ratio(rounds, c.name, ceiling).String(),
			fmt.Sprintf("%.1f", of(rounds, c.name, used).median), fmt.Sprintf("%.0f", of(rounds, c.name, serverCPU).median), allocations, memory)
	}
	var kept promises
	for _, name := range []string{sinkAlone, jetstreamed, kafkaed, briskly} {
		kept.atLeast(0.95, p.name+", "+name+" ÷ ceiling", ratio(rounds, name, ceiling).median)
	}
	if p.name == "Prosody" {
		kept.atMost(4, "allocations", sinkAlone, of(rounds, sinkAlone, mallocs).median)
		kept.atMost(15, "µs CPU", sinkAlone, of(rounds, sinkAlone, used).median)
		kept.atMost(40, "µs CPU", jetstreamed, of(rounds, jetstreamed, used).median)
		kept.atMost(40, "µs CPU", kafkaed, of(rounds, kafkaed, used).median)
		kept.atMost(40, "µs CPU", briskly, of(rounds, briskly, used).median)
	}
	return "\n" + t.text + "\n" + kept.text
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
