package interop_test

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	amcommon "github.com/prometheus/alertmanager/config/common"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/client_golang/prometheus" //nolint:depguard // Alertmanager counts with it
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// limit is what a test may take on a busy machine.
const limit = 2 * time.Minute

// alertmanager is the part of Alertmanager that sends: its webhook notifier and the
// stage that repeats what fails.
type alertmanager struct{ stage *notify.RetryStage }

func newAlertmanager(t *testing.T, to string) *alertmanager {
	t.Helper()
	tmpl, err := template.FromGlobs(nil)
	if err != nil {
		t.Fatal(err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "http", Host: "alertmanager:9093"}
	config := &webhook.WebhookConfig{
		NotifierConfig: amcommon.NotifierConfig{VSendResolved: true},
		HTTPConfig: &commoncfg.HTTPClientConfig{
			Authorization: &commoncfg.Authorization{Type: "Bearer", Credentials: commoncfg.Secret(token)},
		},
		URL: amcommon.SecretTemplateURL(to),
	}
	log := slog.New(slog.DiscardHandler)
	notifier, err := webhook.New(config, tmpl, log)
	if err != nil {
		t.Fatal(err)
	}
	metrics := notify.NewMetrics(prometheus.NewRegistry(), featurecontrol.NoopFlags{})
	integration := notify.NewIntegration(notifier, config, "webhook", 0, "room")
	return &alertmanager{notify.NewRetryStage(integration, "room", metrics, eventrecorder.NopRecorder())}
}

// send returns when the webhook has been answered with 200, however often it takes.
func (a *alertmanager) send(ctx context.Context, alerts ...*alert.Alert) error {
	ctx = notify.WithGroupKey(ctx, "{}:{alertname=\"DiskFull\"}")
	ctx = notify.WithReceiverName(ctx, "room")
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": "DiskFull"})
	_, _, err := a.stage.Exec(ctx, slog.New(slog.DiscardHandler), alerts...)
	return err
}

// diskFull is an alert about a host; if it has an end, it is resolved.
func diskFull(host string, start, end time.Time) *alert.Alert {
	return &alert.Alert{UpdatedAt: start, Alert: model.Alert{
		Labels:      model.LabelSet{"alertname": "DiskFull", "severity": "critical", "host": model.LabelValue(host)},
		Annotations: model.LabelSet{"summary": model.LabelValue("Disk full on " + host)},
		StartsAt:    start, EndsAt: end,
	}}
}

func TestAlertsReachTheRoom(t *testing.T) {
	s := startSetup(t)
	first, second := newAlertmanager(t, s.url()), newAlertmanager(t, s.url())
	start := time.Now().Add(-time.Hour).Truncate(time.Second)
	s.must(t, first.send(t.Context(), diskFull("db-1", start, time.Time{}), diskFull("db-2", start, time.Time{})))
	s.must(t, second.send(t.Context(), diskFull("db-1", start, time.Time{}), diskFull("db-2", start, time.Time{}))) // the other of the pair
	s.awaitPosts(t, 2)
	s.must(t, first.send(t.Context(), diskFull("db-1", start, start.Add(time.Minute))))
	posts := s.awaitPosts(t, 3)
	for i, want := range []string{"Disk full on db-1", "Disk full on db-2", "RESOLVED"} {
		if !strings.Contains(posts[i], want) {
			t.Errorf("post %d is %q, want %q in it", i, posts[i], want)
		}
	}
}

// Alertmanager tries again what ingest answers with 503, until the broker is back.
func TestABrokerThatIsAwayCostsNothing(t *testing.T) {
	s := startSetup(t)
	s.nats.stop()
	sent := make(chan error, 1)
	go func() {
		sent <- newAlertmanager(t, s.url()).send(t.Context(), diskFull("db-1", time.Now(), time.Time{}))
	}()
	s.await(t, "ingest to answer 503", func() bool { return strings.Contains(s.ingest.log(), "does not store webhooks") })
	s.nats.start(t)
	s.must(t, <-sent)
	s.awaitPosts(t, 1)
}

// Whatever dies, every alert that Alertmanager sends is shown, and shown once: the
// room remembers.
func TestNothingIsLostWhateverDies(t *testing.T) {
	seeds := 2
	if _, err := fmt.Sscan(os.Getenv("SEEDS"), &seeds); err != nil {
		seeds = 2
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { killInTurn(t, rand.New(rand.NewPCG(seed, 1))) }) //nolint:gosec // faults to repeat, no secret
	}
}

const alerts = 60

func killInTurn(t *testing.T, random *rand.Rand) {
	s := startSetup(t)
	am := newAlertmanager(t, s.url())
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var sending sync.WaitGroup
	defer sending.Wait()
	start := time.Now().Truncate(time.Second)
	sending.Go(func() {
		for i := range alerts {
			if err := am.send(ctx, diskFull(fmt.Sprintf("db-%02d", i), start, time.Time{})); err != nil {
				t.Errorf("send %d: %v", i, err)
			}
		}
	})
	victims := []victim{s.ingest, s.worker, s.nats}
	random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
	for i, v := range victims {
		before := i*alerts/4 + random.IntN(alerts/8)
		s.await(t, "traffic", func() bool { return len(s.posts()) >= before })
		v.kill()
		v.start(t)
	}
	sending.Wait()
	shown := map[string]int{}
	s.await(t, "all alerts", func() bool {
		clear(shown)
		for _, post := range s.posts() {
			shown[hostIn(post)]++
		}
		return len(shown) == alerts
	})
	for host, times := range maps.All(shown) {
		if times != 1 {
			t.Errorf("%s was shown %d times", host, times)
		}
	}
}

func hostIn(post string) string {
	_, rest, _ := strings.Cut(post, "Disk full on ")
	host, _, _ := strings.Cut(rest, "\n")
	return host
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
