package ingest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xmpp-notifier/xmpp-notifier/envelope"
	"github.com/xmpp-notifier/xmpp-notifier/ingest"
	"github.com/xmpp-notifier/xmpp-notifier/internal/config"
)

const token = "0123456789abcdef"

// broker remembers what it has stored. A real one is asked in the end-to-end test.
type broker struct {
	mu     sync.Mutex
	stored []ingest.Message
	fails  error
	wait   chan struct{} // closed: go on
	asked  chan struct{} // gets a value for each message that waits
}

func (b *broker) Publish(ctx context.Context, m ingest.Message) error {
	if b.wait != nil {
		if b.asked != nil {
			b.asked <- struct{}{}
		}
		select {
		case <-b.wait:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails == nil {
		b.stored = append(b.stored, m)
	}
	return b.fails
}

// text is what the worker would show of the last message.
func (b *broker) text(t *testing.T) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.stored) == 0 {
		t.Fatal("nothing was stored")
	}
	m := b.stored[len(b.stored)-1]
	decoded, err := envelope.Decoder{}.Decode(envelope.Raw{Header: m.Header, Body: m.Body})
	if err != nil {
		t.Fatal(err)
	}
	e := decoded.Envelopes[0]
	return fmt.Sprintf("%s|%s|%s|%s|%s|%s|%s|%s", e.Severity, e.Subject, e.Message, e.Source, e.HostName, e.ServerName, e.DomainName, e.InstanceName)
}

type endpoint struct {
	*httptest.Server

	broker *broker
	log    *bytes.Buffer
	events []ingest.Event
}

func start(t *testing.T, change func(*ingest.Config)) *endpoint {
	t.Helper()
	c := ingest.Config{
		Addr: ":0", Token: config.NewSecret(token), MaxBody: 4096, MaxPending: 8192, StoreWithin: 10 * time.Second,
	}
	if change != nil {
		change(&c)
	}
	e := &endpoint{broker: &broker{}, log: &bytes.Buffer{}}
	var mu sync.Mutex
	e.Server = httptest.NewServer(ingest.New(c, e.broker, slog.New(slog.NewTextHandler(e.log, nil)), func(event ingest.Event) {
		mu.Lock()
		defer mu.Unlock()
		e.events = append(e.events, event)
	}))
	t.Cleanup(e.Close)
	return e
}

// post sends a body with headers, "name: value", and returns the answer.
func (e *endpoint) post(t *testing.T, path, body string, headers ...string) (code int, answer string, header http.Header) {
	t.Helper()
	return e.do(t, http.MethodPost, path, strings.NewReader(body), headers...)
}

func (e *endpoint) do(t *testing.T, method, path string, body io.Reader, headers ...string) (code int, answer string, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, e.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		request.Header.Set(name, value)
	}
	response, err := e.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

const bearer = "Authorization: Bearer " + token

func TestWebhooksAreReadAsTheirServicesMeanThem(t *testing.T) {
	e := start(t, nil)
	for name, c := range map[string]struct {
		path, body, want string
		headers          []string
	}{
		"native": {"/v1/notifications", `{"severity":"error","subject":"Disk full","source":"cron"}`, "error|Disk full||cron||||", nil},
		"cloudevents in binary mode": {
			"/v1/notifications", `{"a":1}`, "unspecified|org.example.disk|",
			[]string{"Ce-Specversion: 1.0", "Ce-Id: 1", "Ce-Source: /s", "Ce-Type: org.example.disk", "Content-Type: application/json"},
		},
		"text":                {"/v1/text?subject=Backup&severity=warning&source=nas", "took 9 hours\n", "warning|Backup|took 9 hours|nas||||", nil},
		"text in its charset": {"/v1/text", "Pr\xfcfung", "unspecified||Prüfung", []string{"Content-Type: text/plain; charset=iso-8859-1"}},
		"text that is JSON":   {"/v1/text", `{"not":"read"}`, `unspecified||{"not":"read"}`, nil},
		"payara": {
			"/v1/payara",
			`{"@type":"MessageCard","@context":"http://schema.org/extensions","themeColor":"004462","summary":"HEALTHCHECK",` +
				`"text":"Health Check notification. (host: h (a), server: s, domain: production, instance: i-1)\nCPU is at 99 %"}`,
			"unspecified|Health Check notification|CPU is at 99 %|payara|h (a)|s|production|i-1", nil,
		},
		"payara without a place": {"/v1/payara", `{"summary":"TEST","text":"Test Notification\nThis is a test notification"}`, "unspecified|Test Notification|This is a test notification|payara||||", nil},
	} {
		t.Run(name, func(t *testing.T) {
			code, answer, _ := e.post(t, c.path, c.body, append(c.headers, bearer)...)
			if code != http.StatusOK {
				t.Fatalf("%d %s", code, answer)
			}
			if got := e.broker.text(t); !strings.HasPrefix(got, strings.TrimSuffix(c.want, "|")) {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	e := start(t, nil)
	for name, c := range map[string]struct {
		path, body string
		code       int
		want       string
	}{
		"no token":            {"/v1/text", "x", 401, "token is missing or wrong"},
		"wrong token":         {"/v1/text/0123456789abcdeg", "x", 401, "token is missing or wrong"},
		"a part of the token": {"/v1/text/0123456789abcde", "x", 401, "token is missing or wrong"},
		"no such path":        {"/v1/teams/" + token, "x", 404, "no such path"},
		"outside":             {"/", "x", 404, "no such path"},
		"not JSON":            {"/v1/notifications/" + token, `{"subject":`, 400, "JSON"},
		"nothing to show":     {"/v1/text/" + token, " ", 400, "nothing to show"},
		"not Alertmanager's":  {"/v1/alertmanager/" + token, `{"subject":"x"}`, 400, "it is no webhook of alertmanager"},
		"not Grafana's":       {"/v1/grafana/" + token, `x`, 400, "it is no webhook of grafana"},
		"no card":             {"/v1/payara/" + token, `{"summary":"x"}`, 400, "no card of Payara's Teams notifier"},
		"too long":            {"/v1/text/" + token, strings.Repeat("x", 4097), 413, "INGEST_MAX_BODY_BYTES=4096"},
		"not UTF-8":           {"/v1/text/" + token, "\xff", 400, "not UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			code, answer, header := e.post(t, c.path, c.body)
			if code != c.code || !strings.Contains(answer, c.want) || strings.Contains(answer, "stored") {
				t.Errorf("%d %s", code, answer)
			}
			if code == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
	if code, _, header := e.do(t, http.MethodGet, "/v1/text/"+token, nil); code != http.StatusMethodNotAllowed || header.Get("Allow") != "POST" {
		t.Errorf("GET: %d", code)
	}
	// A body whose length is not announced is bounded as well.
	if code, answer, _ := e.do(t, http.MethodPost, "/v1/text/"+token, io.MultiReader(strings.NewReader(strings.Repeat("x", 5000)))); code != 413 {
		t.Errorf("unknown length: %d %s", code, answer)
	}
	if len(e.broker.stored) > 0 {
		t.Errorf("stored %v", e.broker.stored)
	}
	if strings.Contains(e.log.String(), token) {
		t.Errorf("the token is in the log: %s", e.log)
	}
}

func TestTheTokenComesInThreeWays(t *testing.T) {
	e := start(t, nil)
	for _, c := range []struct{ path, header string }{
		{"/v1/text/" + token, "X-Any: x"},
		{"/v1/text", bearer},
		{"/v1/text", "Authorization: bearer  " + token},
		{"/v1/text", "Authorization: Basic YWxlcnRtYW5hZ2VyOjAxMjM0NTY3ODlhYmNkZWY="}, // alertmanager:0123456789abcdef
	} {
		if code, answer, _ := e.post(t, c.path, "x", c.header); code != http.StatusOK || answer != `{"status":"stored"}` {
			t.Errorf("%v: %d %s", c, code, answer)
		}
	}
}

func TestOnlyWhatIsStoredIsOK(t *testing.T) {
	e := start(t, nil)
	e.broker.fails = errors.New("no stream has the subject notify.x")
	for range 3 {
		code, answer, header := e.post(t, "/v1/text", "x", bearer)
		if code != http.StatusServiceUnavailable || header.Get("Retry-After") != "5" || strings.Contains(answer, "notify.x") {
			t.Errorf("%d %s, Retry-After %q", code, answer, header.Get("Retry-After"))
		}
	}
	e.broker.fails = fmt.Errorf("1 MB: %w", ingest.ErrTooLarge)
	if code, answer, _ := e.post(t, "/v1/text", "x", bearer); code != http.StatusRequestEntityTooLarge || !strings.Contains(answer, "larger than the broker takes") {
		t.Errorf("%d %s", code, answer)
	}
	e.broker.fails = nil
	if code, _, _ := e.post(t, "/v1/text", "x", bearer); code != http.StatusOK {
		t.Error(code)
	}
	if said := e.log.String(); strings.Count(said, "broker does not store webhooks") != 1 || !strings.Contains(said, "notify.x") || !strings.Contains(said, "stores webhooks again") {
		t.Errorf("the log has\n%s", said)
	}
	if len(e.events) != 5 || e.events[0].Code != 503 || e.events[4].Code != 200 || e.events[4].Format != "text" {
		t.Errorf("observed %v", e.events)
	}
}

func TestABrokerThatDoesNotAnswerIsNotWaitedForWithoutEnd(t *testing.T) {
	e := start(t, func(c *ingest.Config) { c.StoreWithin = 50 * time.Millisecond })
	e.broker.wait = make(chan struct{})
	if code, _, _ := e.post(t, "/v1/text", "x", bearer); code != http.StatusServiceUnavailable {
		t.Error(code)
	}
}

// What is worked on at the same time is bounded in bytes.
func TestPendingBytesAreBounded(t *testing.T) {
	e := start(t, func(c *ingest.Config) { c.MaxPending = 4096 })
	e.broker.wait = make(chan struct{})
	text := strings.Repeat("x", 2048)
	codes := make(chan int, 3)
	for range 3 {
		go func() {
			code, _, _ := e.post(t, "/v1/text", text, bearer)
			codes <- code
		}()
	}
	if code := <-codes; code != http.StatusServiceUnavailable { // the one too many is answered first
		t.Error(code)
	}
	close(e.broker.wait)
	if a, b := <-codes, <-codes; a != http.StatusOK || b != http.StatusOK {
		t.Error(a, b)
	}
}

func TestCopiesOfAPairHaveOneID(t *testing.T) {
	e := start(t, nil)
	alert := func(externalURL, status string) string {
		return `{"version":"4","groupKey":"{}","receiver":"room","status":"firing","externalURL":"` + externalURL + `","alerts":[{"status":"` + status +
			`","labels":{"alertname":"DiskFull"},"startsAt":"2026-11-30T12:00:00Z","endsAt":"0001-01-01T00:00:00Z","fingerprint":"abc"}]}`
	}
	for _, body := range []string{alert("http://am:9093", "firing"), alert("http://am:9093", "firing"), alert("http://am:9093", "resolved")} {
		if code, answer, _ := e.post(t, "/v1/alertmanager", body, bearer); code != http.StatusOK {
			t.Fatal(code, answer)
		}
	}
	ids := e.broker.stored
	if ids[0].ID == "" || ids[0].ID != ids[1].ID || ids[0].ID == ids[2].ID {
		t.Errorf("got %q, %q and %q", ids[0].ID, ids[1].ID, ids[2].ID)
	}
	if code, answer, _ := e.post(t, "/v1/text", "x", bearer); code != http.StatusOK || e.broker.stored[3].ID != "" {
		t.Errorf("a text without id: %d %s, %q", code, answer, e.broker.stored[3].ID)
	}
}

func TestSlackMayComeAsAForm(t *testing.T) {
	e := start(t, nil)
	form := url.Values{"payload": {`{"text":"Deploy failed"}`}}.Encode()
	code, answer, _ := e.post(t, "/v1/slack/"+token, form, "Content-Type: application/x-www-form-urlencoded")
	if code != http.StatusOK || answer != "ok" {
		t.Errorf("%d %s", code, answer)
	}
	if code, answer, _ := e.post(t, "/v1/slack/"+token, "other=x", "Content-Type: application/x-www-form-urlencoded"); code != http.StatusBadRequest {
		t.Errorf("%d %s", code, answer)
	}
}

func TestServerStopsWhenItsRequestsAreAnswered(t *testing.T) {
	b := &broker{wait: make(chan struct{}), asked: make(chan struct{}, 1)}
	c := ingest.Config{Addr: "127.0.0.1:0", Token: config.NewSecret(token), MaxBody: 4096, MaxPending: 8192, StoreWithin: 10 * time.Second}
	log := slog.New(slog.DiscardHandler)
	s, err := ingest.Listen(t.Context(), c, ingest.New(c, b, log, func(ingest.Event) {}), log)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx, 10*time.Second) }()
	codes := make(chan int, 1)
	go func() {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.Addr()+"/v1/text/"+token, strings.NewReader("x"))
		if err != nil {
			t.Error(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Error(err)
			codes <- 0
			return
		}
		_ = response.Body.Close()
		codes <- response.StatusCode
	}()
	<-b.asked
	stop()
	close(b.wait)
	if code, err := <-codes, <-ended; code != http.StatusOK || err != nil {
		t.Errorf("%d, %v", code, err)
	}
}

// Whatever comes is answered, and what is stored can be read by the worker.
func FuzzWebhook(f *testing.F) {
	for _, path := range []string{"alertmanager", "grafana", "notifications", "text", "slack", "payara"} {
		f.Add(path, "application/json", []byte(`{"text":"*a*\n<https://x|y>","attachments":[{"color":"#e01e5a","blocks":[{"text":{"text":"t"},"elements":[{"text":1}]}]}]}`))
		f.Add(path, "application/x-www-form-urlencoded", []byte("payload=%7B%22text%22%3A%22x%22%7D"))
		f.Add(path, "", []byte(`{"summary":"S","text":"S. (host: h, server: s, domain: d, instance: i)\nm"}`))
	}
	b := &broker{}
	c := ingest.Config{Token: config.NewSecret(token), MaxBody: 1 << 20, MaxPending: 1 << 24, StoreWithin: time.Second}
	h := ingest.New(c, b, slog.New(slog.DiscardHandler), func(ingest.Event) {})
	f.Fuzz(func(t *testing.T, path, media string, body []byte) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/"+url.PathEscape(path), bytes.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+token)
		request.Header.Set("Content-Type", media)
		answer := httptest.NewRecorder()
		b.stored = nil
		h.ServeHTTP(answer, request)
		switch {
		case answer.Code == http.StatusOK && len(b.stored) == 1:
			b.text(t)
		case answer.Code != http.StatusBadRequest && answer.Code != http.StatusNotFound:
			t.Errorf("%d %s, stored %d", answer.Code, answer.Body, len(b.stored))
		}
	})
}
