//go:build real && linux

package bench_test

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/xmpp-notifier/xmpp-notifier/sink"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// The contestants of most parts.
const (
	bareInTurn  = "bare sender"
	bareBeside  = "bare sender with a writer"
	bareFew     = "bare sender, a third on their way"
	sinkAlone   = "sink alone"
	jetstreamed = "worker from JetStream"
	kafkaed     = "worker from Kafka"
	briskly     = "worker from Kafka, linger 0"
)

// throughput is how fast a backlog gets into a room of a server as it comes.
func throughput(b *bed) string {
	b.Helper()
	return `The ceiling is the faster one of two bare senders. Both write stanzas that are ready; one writes as many as each
read brings echoes, the other writes what the window allows while it reads. A third bare sender has no more on their way
than the sink. "Server busy" is the share of the time for which the server had its processor: near 1 it is the server that
sets the pace.

How fast the server's core is changes within seconds, by a factor of two, with what its neighbours do. A probe measures it
meanwhile, for less than 1 % of the time: JSON validated, in MB per second. The ratios are those at equal pace, by a
regression within the contestants (analysis of covariance).

From Kafka it is the broker's commits that set the limit. A notification is in doubt from when it is sent until its offset
is committed, and no more may be in doubt than the room can tell a worker that takes the place of one that was killed: in
one that keeps 20 messages, as most do, 16: as many as may be on their way. Since version 4.0 Kafka lets commits linger for 5 ms
(group.coordinator.append.linger.ms), and takes one at a time. So these 16 go round about 80 times per second,
whatever the room could do. "Linger 0" is a broker with that setting at 0.
` + b.races(0, contestants(bareInTurn, bareBeside, bareFew, sinkAlone, jetstreamed, kafkaed, briskly))
}

// recalling is the same in a room that can tell more.
func recalling(b *bed) string {
	b.Helper()
	return fmt.Sprintf(`As above, in a room that keeps %d messages, which is what "xmpp-notifier setup" asks for: half as many may be in doubt. An
archive allows as much. The window is still %d.
`, sink.HistoryWanted, window) + b.races(sink.HistoryWanted, contestants(bareInTurn, bareBeside, bareFew, sinkAlone, jetstreamed, kafkaed))
}

func contestants(names ...string) []contestant {
	kinds := map[string]kind{bareInTurn: bare, bareBeside: bareAside, bareFew: bare, sinkAlone: viaSink, jetstreamed: viaNATS, kafkaed: viaKafka, briskly: viaBrisk}
	var all []contestant
	for _, name := range names {
		const n = 2000
		c := contestant{name, kinds[name], window, n, n / 10}
		if name == bareFew {
			c.window = window / 3
		}
		all = append(all, c)
	}
	return all
}

// races compares all on every server, in a room that keeps so many messages.
func (b *bed) races(history int, all []contestant) string {
	b.Helper()
	var text strings.Builder
	for _, p := range products() {
		text.WriteString(throughputOn(p.name, b.race(p, history, all), all))
	}
	return text.String()
}

// race has all take turns in a room that keeps so many messages, 20 if that is 0. The turns are
// short and many: what disturbs the machine disturbs neighbours alike.
func (b *bed) race(p product, history int, all []contestant) []round {
	b.Helper()
	s := b.serve(p, testbed.Options{HistorySize: history})
	body := b.rendered(s)
	var rounds []round
	for i := range 3 * b.rounds {
		rounds = append(rounds, b.turns(s, all, body, i))
	}
	must(b, s.Kill())
	return rounds
}

func throughputOn(name string, rounds []round, all []contestant) string {
	ceiling, power := fastest(rounds, bareInTurn, bareBeside), sensitivity(rounds)
	even := evenRate(power)
	t := newTable(name, "per second", "core's pace MB/s", "÷ ceiling at equal pace", "CPU µs each", "server busy", "server's CPU µs each", "allocations each", "peak memory MB")
	var kept promises
	for _, c := range all {
		allocations, memory := "", ""
		if c.kind == viaSink {
			allocations = fmt.Sprintf("%.1f", of(rounds, c.name, mallocs).median)
		}
		if c.kind >= viaNATS {
			memory = fmt.Sprintf("%.0f", of(rounds, c.name, rss).median)
		}
		share := ratio(rounds, c.name, ceiling, even)
		t.row(c.name, of(rounds, c.name, rate).whole(), fmt.Sprintf("%.0f", of(rounds, c.name, corePace).median), share.String(),
			fmt.Sprintf("%.1f", of(rounds, c.name, used).median), fmt.Sprintf("%.2f", of(rounds, c.name, busy).median),
			fmt.Sprintf("%.0f", of(rounds, c.name, serverCPU).median), allocations, memory)
		if c.kind >= viaSink {
			kept.atLeast(0.95, name+", "+c.name+" ÷ ceiling", share.median)
		}
	}
	if name == "Prosody" {
		thrifty(&kept, rounds, all)
	}
	return fmt.Sprintf("\n%s\nThe rates go with the pace of the core to the power of %.1f.\n\n%s", t.text, power, kept.text)
}

// thrifty holds what is ours to the CPU time and the allocations promised.
func thrifty(kept *promises, rounds []round, all []contestant) {
	bare := of(rounds, bareInTurn, used).median
	for _, c := range all {
		switch {
		case c.kind == viaSink:
			kept.atMost(4, "allocations", c.name, of(rounds, c.name, mallocs).median)
			kept.frugal(15, c.name, of(rounds, c.name, used).median, bare)
		case c.kind > viaSink:
			kept.frugal(40, c.name, of(rounds, c.name, used).median, bare)
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
				ratio(rounds, sink, fastest(rounds, bare, aside), rate).String(),
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
		if w == 3 {
			n = 1200
		}
		all = append(all, contestant{"bare " + strconv.Itoa(w), bare, w, n, n / 10}, contestant{"aside " + strconv.Itoa(w), bareAside, w, n, n / 10},
			contestant{"sink " + strconv.Itoa(w), viaSink, w, n, n / 10})
	}
	return all
}

func sweepWindows() []int { return []int{3, 12, 24, 48, 96, 384} }
