package ingest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// The limits of the port.
const (
	maxConns      = 256
	maxHeader     = 16 << 10
	headerTimeout = 5 * time.Second
	bodyTimeout   = 30 * time.Second
	idleTimeout   = 2 * time.Minute
)

// Server listens for webhooks.
type Server struct {
	http     http.Server
	listener net.Listener
}

// Listen opens the port. The errors are about the settings.
func Listen(ctx context.Context, c Config, h http.Handler, log *slog.Logger) (*Server, error) {
	s := &Server{http: http.Server{
		Handler: h, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, WriteTimeout: bodyTimeout + c.StoreWithin, IdleTimeout: idleTimeout,
	}}
	if c.Cert != "" {
		if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
			return nil, fmt.Errorf("INGEST_TLS_CERT=%q and INGEST_TLS_KEY=%q: %w", c.Cert, c.Key, err)
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(c.Cert, c.Key) // read again: certificates are renewed
			return &pair, err
		}}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("INGEST_ADDR=%q: %w: choose a free port of this machine", c.Addr, err)
	}
	s.listener = netutil.LimitListener(listener, maxConns)
	log.Info("listening for webhooks", "addr", listener.Addr().String(), "tls", c.Cert != "")
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.listener.Addr().String() }

// Run answers until ctx ends. Then it takes no new requests, and gives those that
// are under way the time grace to be answered.
func (s *Server) Run(ctx context.Context, grace time.Duration) error {
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		err := s.http.Shutdown(ctx)
		if err != nil {
			err = errors.Join(fmt.Errorf("some webhooks were not answered within SHUTDOWN_GRACE=%s: %w", grace, err), s.http.Close())
		}
		stopped <- err
	})
	serve := s.http.Serve
	if s.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("listen for webhooks: %w", err)
	}
	return <-stopped
}

// Close closes a port that Run has not been called for.
func (s *Server) Close() error { return s.listener.Close() }
