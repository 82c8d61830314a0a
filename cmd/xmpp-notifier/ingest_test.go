package main

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/testbed"
)

const webhookToken = "the token of these tests"

// From a webhook to the stream, and what operators see of it.
func TestIngest(t *testing.T) {
	js := look(t, setIngest(t))
	ctx, stop := context.WithCancel(t.Context())
	var log strings.Builder
	ended := make(chan int, 1)
	go func() { ended <- execute(ctx, []string{"ingest"}, strings.NewReader(""), io.Discard, &log) }()
	awaitTrue(t, func() bool { return endpoint(ctx, "/readyz") != "" })
	if code := postText(t, "wrong"); code != http.StatusUnauthorized {
		t.Errorf("a wrong token: %d", code)
	}
	if code := postText(t, webhookToken); code != http.StatusOK {
		t.Errorf("the right token: %d", code)
	}
	stream, err := js.Stream(t.Context(), "alerts")
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.GetMsg(t.Context(), 1); err != nil || m.Subject != "alerts.web.text" || string(m.Data) != `{"message":"hello"}` {
		t.Errorf("stored %v, %v", m, err)
	}
	metrics := endpoint(ctx, "/metrics")
	for _, want := range []string{`xmpp_notifier_ingest_requests_total{code="200",format="text"} 1`, `{code="401",format="text"} 1`, "xmpp_notifier_build_info"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("%s is missing in\n%s", want, metrics)
		}
	}
	if code, out, errs := invoke(t, "", "health"); code != exitOK {
		t.Errorf("health: %d, %s%s", code, out, errs)
	}
	stop()
	if code := <-ended; code != exitOK || strings.Contains(log.String()+metrics, webhookToken) {
		t.Errorf("code %d, log\n%s", code, log.String())
	}
}

// setIngest sets the environment for ingest, and returns the address of its broker.
func setIngest(t *testing.T) (url string) {
	t.Helper()
	url = embeddedNATS(t)
	for name, value := range map[string]string{
		"SOURCES": "nats", "NATS_URL": url, "INGEST_ADDR": testbed.FreeAddr(t), "INGEST_TOKEN": webhookToken, "INGEST_SUBJECT": "alerts.web", "ADMIN_ADDR": testbed.FreeAddr(t),
	} {
		t.Setenv(name, value)
	}
	return url
}

func postText(t *testing.T, token string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+os.Getenv("INGEST_ADDR")+"/v1/text", strings.NewReader("hello"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

func awaitTrue(t *testing.T, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatal("it takes more than a minute")
		}
	}
}

func TestIngestNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"no token":        {map[string]string{"INGEST_TOKEN": ""}, "INGEST_TOKEN is not set"},
		"short token":     {map[string]string{"INGEST_TOKEN": "short"}, "INGEST_TOKEN: is shorter than 16 characters: make one"},
		"two brokers":     {map[string]string{"SOURCES": "nats, kafka"}, "SOURCES names several brokers: set it to nats or kafka"},
		"none that keeps": {map[string]string{"SOURCES": "nats-core"}, "SOURCES names no broker that stores messages: set it to nats or kafka"},
		"unknown":         {map[string]string{"INGEST_TO": "rabbit"}, `INGEST_TO="rabbit": use nats or kafka`},
		"Kafka's":         {map[string]string{"INGEST_TO": "kafka"}, "KAFKA_BROKERS is not set"},
		"address":         {map[string]string{"INGEST_ADDR": "8080"}, `INGEST_ADDR="8080" is no address to listen at: write host:port or :port`},
		"half a pair":     {map[string]string{"INGEST_TLS_CERT": "/x"}, "belong together: set both or neither"},
		"no certificate":  {map[string]string{"INGEST_TLS_CERT": "/x", "INGEST_TLS_KEY": "/y"}, "INGEST_TLS_CERT"},
		"subject":         {map[string]string{"INGEST_SUBJECT": "notify.*"}, "INGEST_SUBJECT"},
	} {
		t.Run(name, func(t *testing.T) {
			setIngest(t)
			for key, value := range c.env {
				t.Setenv(key, value)
			}
			if code, _, errs := invoke(t, "", "ingest"); code != exitUsage || !strings.Contains(errs, c.want) {
				t.Errorf("code %d, %s", code, errs)
			}
		})
	}
}
