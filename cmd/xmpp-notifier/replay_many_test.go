package main

import (
	"strings"
	"testing"

	natsgo "github.com/nats-io/nats.go"

	"github.com/xmpp-notifier/xmpp-notifier/sources"
)

// Two groups of workers read one stream, and both reject its malformed message.
// However often both replay, each has one dead letter.
func TestReplayDoesNotMultiply(t *testing.T) {
	url := embeddedNATS(t)
	js := look(t, url)
	if _, err := js.Publish(t.Context(), "alerts.disk", []byte("{")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOURCES", "nats")
	t.Setenv("NATS_URL", url)
	t.Setenv("NATS_STREAM", "alerts")
	t.Setenv("NATS_CREATE", "true")
	signer := sources.NewSigner("secret")
	groups := map[string]sources.Source{}
	for _, name := range []string{"one", "two"} {
		t.Setenv("NATS_CONSUMER", name)
		groups[name] = jetstreamSource(t)
	}
	messages := 1
	for range 3 {
		for _, source := range groups {
			for range messages {
				rejectNext(t, source, signer)
			}
		}
		messages = len(groups) // each sends one, and both read it
		for name := range groups {
			t.Setenv("NATS_CONSUMER", name)
			if list := mustReplay(t); !strings.Contains(list, "1 dead letters") {
				t.Fatalf("group %s:\n%s", name, list)
			}
			if out := mustReplay(t, "send"); !strings.Contains(out, "1 published again") {
				t.Fatalf("group %s: %s", name, out)
			}
		}
	}
}

// A letter that cannot be sent does not keep the others from being sent, and is
// told at the end.
func TestReplayGoesOn(t *testing.T) {
	url := embeddedNATS(t)
	source := natsWithTopic(t, url)
	forged := natsgo.NewMsg("dlq.alerts.elsewhere")
	if _, err := jetstreamOf(t, url).PublishMsg(t.Context(), forged); err != nil {
		t.Fatal(err)
	}
	signer := sources.NewSigner("secret")
	for range 3 {
		rejectNext(t, source, signer)
	}
	code, out, errs := invoke(t, "", "replay", "send")
	if code != exitFailed || !strings.Contains(out, "3 published again") || !strings.Contains(errs, "not sent: publish dead/1") || !strings.Contains(errs, "1 could not be sent") {
		t.Errorf("code %d\n%s\n%s", code, out, errs)
	}
	take(t, source, 3)
}

func rejectNext(t *testing.T, source sources.Source, signer *sources.Signer) {
	t.Helper()
	d := take(t, source, 1)[0]
	d.Trust(signer)
	if err := d.Reject(t.Context(), sources.Reason{Code: sources.ReasonDecode, Err: d.Malformed}); err != nil {
		t.Fatal(err)
	}
}
