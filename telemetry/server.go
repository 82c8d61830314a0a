package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/net/netutil"

	"github.com/xmpp-notifier/xmpp-notifier/check"
)

// The limits of the admin port.
const (
	maxConns      = 64
	maxScrapes    = 4 // at once
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	answerTimeout = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	closeTimeout  = time.Second
)

// Server is the admin port.
type Server struct {
	http     *http.Server
	listener net.Listener
	done     chan struct{}
}

// Serve serves h where cfg says, until Close. It returns nil, and that can be
// closed, if cfg says nowhere.
func Serve(ctx context.Context, cfg Config, h http.Handler, log *slog.Logger) (*Server, error) {
	if cfg.Addr == "" {
		return nil, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, check.Faultf("choose a free port of this machine", "ADMIN_ADDR=%q: %w", cfg.Addr, err)
	}
	s := &Server{
		http: &http.Server{
			Handler: h, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
			ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout,
		},
		listener: netutil.LimitListener(listener, maxConns), done: make(chan struct{}),
	}
	log.Info("admin port open", "addr", listener.Addr().String())
	go func() {
		defer close(s.done)
		if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("admin port failed", "error", err)
		}
	}()
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Close stops the server. Answers under way have a moment to be finished.
func (s *Server) Close() error {
	if s == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // whoever is still there does not listen
	}
	<-s.done
	return nil
}

// Handler serves /metrics, /livez, /readyz and /status.
func (t *Telemetry) Handler() http.Handler {
	mux := newMux(t.registry, t.Problems)
	mux.HandleFunc("GET /status", t.status)
	return secured(mux)
}

// newMux serves /metrics, /livez and /readyz, which names the problems.
func newMux(registry *prometheus.Registry, problems func() []string) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: maxScrapes, Timeout: answerTimeout - time.Second,
	}))
	// It asks nobody: a restart of ours repairs neither a room nor a broker.
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if list := problems(); len(list) > 0 {
			writeText(w, http.StatusServiceUnavailable, strings.Join(list, "\n"))
			return
		}
		writeText(w, http.StatusOK, "ok")
	})
	return mux
}

// secured keeps answers out of caches, and browsers from guessing what they are.
func secured(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		h.ServeHTTP(w, r)
	})
}

func writeText(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text+"\n")
}

func (t *Telemetry) status(w http.ResponseWriter, _ *http.Request) {
	body, err := json.MarshalIndent(t.Status(), "", "  ")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n'))
}
