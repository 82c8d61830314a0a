package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"
)

const (
	startLimit   = 2 * time.Minute // on a busy machine
	stopLimit    = 10 * time.Second
	probeLimit   = time.Second
	probeBetween = 20 * time.Millisecond
)

// Server is one real server. A test may stop, kill and start it as often as it
// likes: ports and data stay. Its methods are for one goroutine at a time.
type Server struct {
	name    string
	command command
	addrs   []string                    // all that it must listen on
	ready   func(context.Context) error // a proof of service beyond that, or nil
	before  []*Server                   // processes that it needs, in order
	hangs   bool                        // at SIGTERM, sometimes: an operator kills it
	process *process
}

// Start runs the server on its ports and data, and returns when it serves. It
// fails at once, with the end of the log, if the server dies, and after two
// minutes if it does not serve by then. ctx bounds the start, not the server.
func (s *Server) Start(ctx context.Context) error {
	if s.process.running() {
		return fmt.Errorf("start %s: it runs already", s.name)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %v", startLimit))
	defer cancel()
	if err := checkFree(ctx, s.addrs); err != nil {
		return fmt.Errorf("start %s: %w", s.name, err)
	}
	for _, part := range s.before {
		if err := part.Start(ctx); err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", s.name, err), s.Kill())
		}
	}
	p, err := spawn(ctx, s.command)
	if err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", s.name, err), s.Kill())
	}
	s.process = p
	if err := s.await(ctx); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w\n%s", s.name, err, tail(s.Log())), s.Kill())
	}
	return nil
}

// Stop ends the server in order (SIGTERM). If that takes longer than 10 s, or
// ctx ends, the server is killed and Stop returns an error, unless it is one that
// is known to hang. Stopping a server that does not run is no error.
func (s *Server) Stop(ctx context.Context) error {
	if !s.process.running() {
		return s.Kill() // what it may have left behind
	}
	if err := s.process.stop(ctx, stopLimit); err != nil && (!s.hangs || !errors.Is(err, errStays)) {
		return errors.Join(fmt.Errorf("stop %s: %w", s.name, err), s.Kill())
	}
	s.process = nil
	for _, part := range slices.Backward(s.before) {
		if err := part.Stop(ctx); err != nil {
			return errors.Join(fmt.Errorf("stop %s: %w", s.name, err), s.Kill())
		}
	}
	return nil
}

// Kill ends the server and its children at once (SIGKILL), like a crash.
// Killing a server that does not run is no error.
func (s *Server) Kill() error {
	var errs []error
	if s.process != nil {
		if err := s.process.kill(); err != nil {
			errs = append(errs, fmt.Errorf("kill %s: %w", s.name, err))
		} else {
			s.process = nil
		}
	}
	for _, part := range slices.Backward(s.before) {
		errs = append(errs, part.Kill())
	}
	return errors.Join(errs...)
}

// Log is the file that holds everything the server printed, over all starts.
func (s *Server) Log() string { return s.command.log }

// PID is the server's process, or 0 if it does not run.
func (s *Server) PID() int {
	if !s.process.running() {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// String is the server's name, for messages.
func (s *Server) String() string { return s.name }

// await returns when the server serves, and why if it will not.
func (s *Server) await(ctx context.Context) error {
	for {
		err := s.probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.process.done:
			return fmt.Errorf("it died: %v", s.process.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
		case <-time.After(probeBetween):
		}
	}
}

func (s *Server) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	var dialer net.Dialer
	for _, addr := range s.addrs {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err != nil {
			return err
		}
		_ = conn.Close() // it was only to see whether it opens
	}
	if s.ready == nil {
		return nil
	}
	return s.ready(ctx)
}
