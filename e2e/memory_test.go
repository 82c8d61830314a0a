package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/xmpp-notifier/xmpp-notifier/telemetry"
	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

// residentLimit is what the worker may take of the machine's memory by default.
const residentLimit = 64_000_000

// TestMemoryIsBounded holds the peak of the worker's resident memory while the
// room is away and while it is back, for notifications of any size.
func TestMemoryIsBounded(t *testing.T) {
	q := quartersOf(t)
	for name, c := range map[string]struct {
		size, count int
		broker      func(*testing.T) broker
	}{
		"1 kB on NATS": {1000, 20_000, embeddedNATS}, "300 kB on NATS": {300_000, 200, embeddedNATS}, "1 MB on NATS": {1_000_000, 60, embeddedNATS},
		"1 kB on Kafka": {1000, 20_000, fakeKafka}, "300 kB on Kafka": {300_000, 200, fakeKafka}, "1 MB on Kafka": {1_000_000, 60, fakeKafka},
	} {
		t.Run(name, func(t *testing.T) {
			b := bench{room: func(t *testing.T) roomServer { return inProcessRoom(t, 100) }, broker: c.broker}
			tr := b.trial(t, b.room(t))
			admin := testbed.FreeAddr(t)
			room, _ := tr.server.(*inProcess)
			room.HoldReflections()
			tr.publishLarge(c.count, c.size)
			worker := q.start(t, tr.env, map[string]string{"ADMIN_ADDR": admin, "XMPP_STALL_TIMEOUT": "10m", "LOG_LEVEL": "info"})
			until(t, "the worker holds as much as it may", func(ctx context.Context) (bool, error) {
				s, err := statusOf(ctx, admin)
				return len(s.Sources) == 1 && (s.Room.InFlight == s.Room.MaxInFlight || s.Sources[0].PendingBytes+c.size > residentLimit/16), err
			})
			t.Logf("peak of %d MB while the room was away", worker.peak()/1e6)
			room.ReleaseReflections()
			tr.acknowledged()
			q.keeps(t, worker)
		})
	}
}

// publishLarge publishes n notifications of so many bytes.
func (tr *trial) publishLarge(n, size int) {
	tr.Helper()
	var items []item
	for i := range n {
		lane := i % lanes
		k := key{lane, tr.number(lane)}
		body := fmt.Sprintf(`{"id":"%d-%d","source":"e2e","subject":"n %d-%d","message":"%s"}`, k.lane, k.number, k.lane, k.number, strings.Repeat("lorem ipsum ", size/12-8))
		if items = append(items, item{lane, []byte(body)}); len(items)*size > 1<<20 || i == n-1 {
			tr.send(items)
			items = nil
		}
	}
}

func statusOf(ctx context.Context, admin string) (s telemetry.Status, err error) {
	code, text, err := ask(ctx, "http://"+admin+"/status")
	if err != nil {
		return s, err
	}
	return s, errors.Join(json.Unmarshal(text, &s), fmt.Errorf("%d %s", code, text))
}

// peak is the largest resident memory so far.
func (p *process) peak() int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid()))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	var kilobytes int
	if _, err := fmt.Sscanf(rest, "%d kB", &kilobytes); err != nil {
		p.t.Fatal(err)
	}
	return kilobytes * 1024
}
