package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// retryAfter is what a client that was answered with 503 is asked to wait.
const retryAfter = 5 * time.Second

// Handler answers webhooks.
type Handler struct {
	config    Config
	publisher Publisher
	log       *slog.Logger
	observe   func(Event)

	formats map[string]format
	token   [sha256.Size]byte
	pending *semaphore.Weighted // bytes
	failing atomic.Bool         // the last attempt to store something failed
}

// New returns a handler of valid settings. observe is called once for each request.
func New(c Config, p Publisher, log *slog.Logger, observe func(Event)) *Handler {
	return &Handler{
		config: c, publisher: p, log: log, observe: observe,
		formats: formats(), token: sha256.Sum256([]byte(c.Token.Reveal())), pending: semaphore.NewWeighted(c.MaxPending),
	}
}

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	name, token := parts(r.URL.Path)
	answer := h.answer(r, name, token)
	if _, known := h.formats[name]; !known {
		name = ""
	}
	answer.write(w)
	h.observe(Event{Format: name, Code: answer.code, Duration: time.Since(begin)})
}

// parts splits /v1/FORMAT or /v1/FORMAT/TOKEN.
func parts(path string) (format, token string) {
	rest, found := strings.CutPrefix(path, "/v1/")
	if !found {
		return "", ""
	}
	format, token, _ = strings.Cut(rest, "/")
	return format, token
}

// answer is what a request is answered with.
type answer struct {
	code    int
	problem string // "" if there is none
	body    string // else; "" for JSON
}

func (h *Handler) answer(r *http.Request, name, token string) answer {
	format, known := h.formats[name]
	switch {
	case !known:
		return answer{code: http.StatusNotFound, problem: "there is no such path: see docs/ingest.md"}
	case !h.authorized(r, token):
		return answer{code: http.StatusUnauthorized, problem: "the token is missing or wrong"}
	case r.Method != http.MethodPost:
		return answer{code: http.StatusMethodNotAllowed, problem: "use POST"}
	case r.ContentLength > h.config.MaxBody:
		return h.tooLarge()
	}
	size := r.ContentLength
	if size < 0 {
		size = h.config.MaxBody
	}
	if !h.pending.TryAcquire(size) {
		return answer{code: http.StatusServiceUnavailable, problem: "too many webhooks at the same time"}
	}
	defer h.pending.Release(size)
	return h.take(r, name, &format)
}

// authorized compares in constant time: the sums have equal lengths.
func (h *Handler) authorized(r *http.Request, inPath string) bool {
	given := inPath
	if _, password, ok := r.BasicAuth(); ok {
		given = password
	} else if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "bearer") {
		given = strings.TrimSpace(token)
	}
	sum := sha256.Sum256([]byte(given))
	return subtle.ConstantTimeCompare(sum[:], h.token[:]) == 1
}

// take reads a webhook and stores it.
func (h *Handler) take(r *http.Request, name string, f *format) answer {
	body, err := io.ReadAll(io.LimitReader(r.Body, h.config.MaxBody+1))
	switch {
	case err != nil:
		return answer{code: http.StatusBadRequest, problem: "the body was not received to its end"}
	case int64(len(body)) > h.config.MaxBody:
		return h.tooLarge()
	}
	m, err := f.decoded(name, r, body)
	if err != nil {
		h.log.Info("webhook refused", "format", name, "error", err)
		return answer{code: http.StatusBadRequest, problem: err.Error()}
	}
	// Whoever hangs up meanwhile is not told, but what was begun is finished.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), h.config.StoreWithin)
	defer cancel()
	err = h.publisher.Publish(ctx, m)
	h.tell(err)
	switch {
	case errors.Is(err, ErrTooLarge):
		return answer{code: http.StatusRequestEntityTooLarge, problem: err.Error()}
	case err != nil:
		return answer{code: http.StatusServiceUnavailable, problem: "the broker has not stored it: try again"}
	}
	return answer{code: http.StatusOK, body: f.answer}
}

func (h *Handler) tooLarge() answer {
	return answer{
		code:    http.StatusRequestEntityTooLarge,
		problem: "the body is longer than INGEST_MAX_BODY_BYTES=" + strconv.FormatInt(h.config.MaxBody, 10),
	}
}

// tell logs that the broker stores nothing, once, and that it stores again.
func (h *Handler) tell(err error) {
	failed := err != nil && !errors.Is(err, ErrTooLarge)
	switch before := h.failing.Swap(failed); {
	case failed && !before:
		h.log.Warn("broker does not store webhooks", "error", err)
	case !failed && before:
		h.log.Info("broker stores webhooks again")
	}
}

// write sends the answer.
func (a answer) write(w http.ResponseWriter) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	switch a.code {
	case http.StatusServiceUnavailable:
		header.Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", `Bearer realm="xmpp-notifier"`)
	case http.StatusMethodNotAllowed:
		header.Set("Allow", http.MethodPost)
	}
	body := []byte(a.body)
	if a.body == "" {
		header.Set("Content-Type", "application/json")
		said := map[string]string{"status": "stored"}
		if a.problem != "" {
			said = map[string]string{"error": a.problem}
		}
		body, _ = json.Marshal(said) // strings always marshal
	}
	w.WriteHeader(a.code)
	_, _ = w.Write(body) // who does not listen is not answered
}
