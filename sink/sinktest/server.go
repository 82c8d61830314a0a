// Package sinktest is an XMPP server with one chat room inside the process.
//
// It serves real clients over real connections: STARTTLS or direct TLS with a
// certificate made on the spot, SCRAM and PLAIN logins, one room by XEP-0045 that
// reflects, remembers and orders what is said. Tests look at what the room has
// shown, and order faults from it: cuts, black holes, bounces, kicks and lies.
//
// It is an independent reading of the standards (RFC 6120 and 6121, XEP-0045,
// 0199, 0203, 0410, 0478) and shares no code with the client that it tests.
package sinktest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Server is a running server. All methods may be called at any time from any goroutine.
type Server struct {
	cfg   Config
	ca    *Authority
	room  *room
	salt  string
	ids   atomic.Uint64
	gate  gate         // shut while the whole server is frozen
	rate  atomic.Int64 // bytes per second from each client
	addrs [2]string    // of STARTTLS and direct TLS, kept over a restart

	life      sync.Mutex // held while starting and stopping
	running   bool
	listeners []net.Listener
	wg        sync.WaitGroup // of all goroutines

	mu         sync.Mutex
	started    time.Time
	closing    bool
	sessions   map[*session]bool // all connections
	bound      map[string]*session
	stats      Stats
	users      map[string]string
	mechanisms []string
	inject     string
	tamperSASL func(step, payload string) string
}

// Start starts a server, on two loopback ports of its own unless cfg.Listen says where else.
func Start(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	ca := cfg.Authority
	if ca == nil {
		if ca, err = NewAuthority(cfg.CertNames, cfg.CertNotAfter); err != nil {
			return nil, err
		}
	}
	s := &Server{
		cfg: cfg, ca: ca, room: newRoom(cfg), salt: rand.Text(),
		addrs:    [2]string{"127.0.0.1:0", "127.0.0.1:0"},
		sessions: map[*session]bool{}, bound: map[string]*session{},
		users: cfg.Users, mechanisms: cfg.Mechanisms,
	}
	if err := s.Start(); err != nil {
		return nil, err
	}
	s.started = s.started.Add(-time.Hour) // nobody has met it before
	return s, nil
}

// uptime is how long the server has been running.
func (s *Server) uptime() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.started)
}

// Start brings a stopped server back on the same ports. It does nothing if the server runs.
func (s *Server) Start() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.running {
		return nil
	}
	for i := range s.addrs {
		l, err := s.listen(s.addrs[i])
		if err != nil {
			s.halt()
			return fmt.Errorf("listen on %s: %w", s.addrs[i], err)
		}
		if bound := l.Addr().String(); bound != s.addrs[i] { // only the first time: Addr reads without a lock
			s.addrs[i] = bound
		}
		s.listeners = append(s.listeners, l)
	}
	s.mu.Lock()
	s.closing, s.started = false, time.Now()
	s.mu.Unlock()
	for i, l := range s.listeners {
		s.wg.Go(func() { s.accept(l, i == 1) })
	}
	s.running = true
	return nil
}

// listen tries for a while: the port of a server that has just stopped may be borrowed.
func (s *Server) listen(addr string) (net.Listener, error) {
	if s.cfg.Listen != nil {
		return s.cfg.Listen(addr)
	}
	for deadline := time.Now().Add(5 * time.Second); ; {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
		if err == nil || time.Now().After(deadline) {
			return l, err
		}
		<-time.After(10 * time.Millisecond) // nothing announces a free port
	}
}

// Stop ends the server as a kill would: every connection is reset, the history is
// gone unless Config.KeepHistory is set. The transcript and the statistics stay.
func (s *Server) Stop() {
	s.life.Lock()
	defer s.life.Unlock()
	s.halt()
}

// Restart is Stop followed by Start.
func (s *Server) Restart() error {
	s.Stop()
	return s.Start()
}

// Shutdown ends the server in an orderly way: status 332 for the occupants, the
// stream error system-shutdown, then the connections are closed.
func (s *Server) Shutdown() {
	s.life.Lock()
	defer s.life.Unlock()
	s.closeListeners()
	s.room.shutDown()
	s.endStreams(streamError{condition: "system-shutdown"})
	s.await(2 * lingerTime)
	s.halt()
	if s.cfg.Profile.SilentShutdown {
		s.ResumeRoom()
	}
}

// Close stops the server for good; no goroutine of it is left.
func (s *Server) Close() { s.Stop() }

// halt closes everything and waits for all goroutines. s.life is held.
func (s *Server) halt() {
	s.closeListeners()
	for _, one := range s.all() {
		one.drop()
	}
	s.wg.Wait()
	s.gate.open()
	if s.running {
		s.room.stopped()
	}
	s.running = false
}

// closeListeners refuses new connections, those just being accepted too.
func (s *Server) closeListeners() {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	for _, l := range s.listeners {
		_ = l.Close() // a listener that is closed is all we want
	}
	s.listeners = nil
}

// await gives the sessions some time to end by themselves.
func (s *Server) await(limit time.Duration) {
	for deadline := time.Now().Add(limit); len(s.all()) > 0 && time.Now().Before(deadline); {
		<-time.After(time.Millisecond) // Wait would need the lock that the caller holds
	}
}

func (s *Server) accept(l net.Listener, direct bool) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		one := newSession(s, newWire(conn, &s.gate, &s.rate, s.cfg.WriteTimeout), direct)
		if !s.admit(one) {
			one.wire.abort()
			continue
		}
		s.wg.Go(func() {
			defer s.forget(one)
			one.run()
		})
	}
}

// newID makes an identifier that is unique in this server.
func (s *Server) newID() string { return "s" + strconv.FormatUint(s.ids.Add(1), 36) + "-" + s.salt[:6] }

// Addr is the address of the STARTTLS listener, host and port.
func (s *Server) Addr() string { return s.addrs[0] }

// DirectTLSAddr is the address of the direct TLS listener, host and port.
func (s *Server) DirectTLSAddr() string { return s.addrs[1] }

// Domain is the domain of the accounts; it is in the certificate.
func (s *Server) Domain() string { return s.cfg.Domain }

// RoomJID is the bare address of the room.
func (s *Server) RoomJID() string { return s.room.jid }
