//go:build real

package e2e_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
	"github.com/xmpp-notifier/xmpp-notifier/testbed/observer"
)

// TestRecoveries has an alarm shown by a worker that is then killed, and its recovery by
// the next: it corrects the alarm, and a line says so.
func TestRecoveries(t *testing.T) {
	bed := &bed{dir: t.TempDir()}
	room := bed.xmpp(t, testbed.Prosody, 20)
	brokers := map[string]func(*testing.T) broker{"JetStream": bed.nats(t), "Kafka": bed.kafka(t)}
	for name, broker := range brokers {
		if room == nil || broker == nil {
			continue
		}
		t.Run(name, func(t *testing.T) { bench{room: room, broker: broker}.recoveryAfterAKill(t) })
	}
	bed.summary(t)
}

func (b bench) recoveryAfterAKill(t *testing.T) {
	server, from := b.room(t), b.broker(t)
	room := server.room(t)
	shown := make(chan observer.Message, 100)
	options := server.observer(room)
	options.OnMessage = func(m observer.Message) { shown <- m }
	until(t, "the observer is in the room", func(ctx context.Context) (bool, error) {
		occupant, err := observer.Join(ctx, options)
		if err == nil {
			t.Cleanup(occupant.Close)
		}
		return err == nil, err
	})
	env := server.env(room)
	maps.Copy(env, from.env())
	env["RESOLVED"] = "both"
	worker := startWorker(t, env)
	began := time.Now().UTC().Add(-12 * time.Minute).Truncate(time.Second)
	next := func(status string) observer.Message {
		t.Helper()
		if status != "" {
			body := fmt.Appendf(nil, `{"receiver":"r","alerts":[{"status":"%s","startsAt":"%s","endsAt":"%s",`+
				`"labels":{"alertname":"DiskFull","instance":"db-1"}}]}`, status, began.Format(time.RFC3339), began.Add(12*time.Minute).Format(time.RFC3339))
			if err := from.publish(t.Context(), []item{{0, body}}); err != nil {
				t.Fatal(err)
			}
		}
		var m observer.Message
		until(t, "the room shows a message", func(context.Context) (bool, error) {
			select {
			case m = <-shown:
				return true, nil
			default:
				return false, nil
			}
		})
		return m
	}
	alarm := next("firing")
	worker.kill()
	startWorker(t, env)
	edit, line := next("resolved"), next("")
	if !strings.Contains(edit.Inner, "urn:xmpp:message-correct:0") || !strings.Contains(edit.Inner, "id='"+alarm.ID+"'") || !strings.Contains(edit.Body, "RESOLVED") {
		t.Errorf("the alarm is %s, and the recovery %s", alarm.ID, edit.Inner)
	}
	if want := "✅ RESOLVED DiskFull on db-1 (12 min)"; line.Body != want || strings.Contains(line.Inner, "message-correct") {
		t.Errorf("the line is %q, %s, want %q", line.Body, line.Inner, want)
	}
	until(t, "both are acknowledged", func(ctx context.Context) (bool, error) {
		acked, err := from.acked(ctx)
		return acked[0] == 2, err
	})
}
